# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of policy-controller's answers for the table of all suites."""

from __future__ import annotations

from tests.conformance.policy_controller.oracle import SUITES

__all__ = ["SUITES"]
