# SPDX-License-Identifier: Apache-2.0
"""Does the runtime layer load rules as Falco's own engine does?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.falco.vectors import SUITES

SIZES = {"falco conditions": 525, "falco rules files": 121, "falco upstream rules": 600}
SIZES["falco spoiled rules"] = 19


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance"))
    assert len(points) >= SIZES[name]
    assert [identity for identity, recorded, ours in points if recorded != ours] == []
