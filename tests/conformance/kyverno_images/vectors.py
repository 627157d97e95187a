# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of Kyverno's answers for the table of all suites."""

from __future__ import annotations

from tests.conformance.kyverno_images.oracle import SUITES

__all__ = ["SUITES"]
