# SPDX-License-Identifier: Apache-2.0
"""Are the intended connections of real applications found?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.cluster_topology.vectors import FOLDER, SKIPS, SUITE, applications


def test_agrees(shared: Path) -> None:
    points = list(applications(shared / "conformance" / FOLDER))
    assert len(points) == 5
    missing = {identity for identity, recorded, ours in points if recorded != ours}
    assert missing == set(SKIPS[SUITE])
    assert sum(len(recorded) for _, recorded, _ in points) >= 31
