# SPDX-License-Identifier: Apache-2.0
"""The recorded slice of the kubelet's keyring for the table of all suites."""

from __future__ import annotations

from tests.conformance.keyring.oracle import SUITES

__all__ = ["SUITES"]
