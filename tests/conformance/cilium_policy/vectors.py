# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of Cilium's policy engine for the table of all suites."""

from __future__ import annotations

from tests.conformance.cilium_policy.oracle import SUITES

__all__ = ["SUITES"]
