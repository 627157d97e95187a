# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of Calico's policy code for the table of all suites."""

from __future__ import annotations

from tests.conformance.calico_policy.oracle import SUITES

__all__ = ["SUITES"]
