# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of cosign's answers to our own signatures for the table of all suites."""

from __future__ import annotations

from tests.conformance.cosign_own.oracle import SUITES

__all__ = ["SUITES"]
