# SPDX-License-Identifier: Apache-2.0
"""The test cases of cyclonus for the table of all suites."""

from __future__ import annotations

from tests.conformance.cyclonus.oracle import SUITES

__all__ = ["SUITES"]
