# SPDX-License-Identifier: Apache-2.0
"""Does the runtime layer place Falco's pods as the real DaemonSet controller does?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.daemonset.vectors import FOLDER, SUITES

SIZES = {"daemonset placements": 1302, "daemonset after changes": 90}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance" / FOLDER))
    assert len(points) >= SIZES[name]
    assert [identity for identity, recorded, ours in points if recorded != ours] == []
