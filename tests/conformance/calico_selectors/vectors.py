# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of Calico's selectors for the table of all suites."""

from __future__ import annotations

from tests.conformance.calico_selectors.oracle import SUITES

__all__ = ["SUITES"]
