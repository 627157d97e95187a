# SPDX-License-Identifier: Apache-2.0
"""Does the audit layer say what the API server's own code, and a real server, said?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.audit.vectors import SUITES

SIZES = {
    "audit decisions": 40_000,
    "audit validation errors": 2_000,
    "audit policy files": 45,
    "audit logs of an API server": 12 * 157,
    "audit logs replayed": 144,
}


@pytest.mark.parametrize("name", SIZES)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance"))
    assert len(points) >= SIZES[name]
    assert [point for point in points if point[1] != point[2]] == []
