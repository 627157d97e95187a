# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer say what istiod's own code says?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.istio import oracle, tables
from tests.conformance.istio.clients import clusters
from tests.conformance.istio.vectors import SUITES, client_snapshots

SIZES = {
    "istio composition": 1063,
    "istio ambient composition": 1063,
    "istio composition, whole layer": 1063,
    "istio ambient composition, whole layer": 1063,
    "istio ambient golden pairs": 19,
    "istio validation documents": 8,
    "istio random refused": 3000,
    "istio random client": 7617,
    "istio random client, whole layer": 7128,
    "istio random inbound": 2000,
    "istio random ambient, whole layer": 1007,
    "istio random enrolment": 1000,
    "istio random enrolment, whole layer": 898,
    "istio webhook table": 5600,
    "istio default webhooks": 800,
}


@pytest.mark.parametrize(
    "name", sorted(SUITES.keys() - tables.SUITES.keys() - oracle.SUITES.keys())
)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance" / "istio"))
    assert len(points) >= SIZES.get(name, 900)
    assert [identity for identity, recorded, ours in points if recorded != ours] == []


def test_subsets_before_1_31_change_only_what_was_measured(shared: Path) -> None:
    moved: dict[str, int] = {}
    for snapshot, policies in client_snapshots(shared / "conformance" / "istio"):
        for identity, recorded, ours in clusters(snapshot, policies, subset_fallback=False):
            changed = [
                name
                for name, sent in ours["endpoints"].items()
                if sent != recorded["endpoints"][name]
            ]
            for name in changed:
                assert (recorded["endpoints"][name], ours["endpoints"][name]) == (
                    "PLAINTEXT",
                    "ISTIO_MUTUAL",
                )
            if changed:
                snapshot_id = identity.partition(":")[0]
                moved[snapshot_id] = moved.get(snapshot_id, 0) + len(changed)
    assert sorted(moved) == [
        "client-1000559",
        "client-1000653",
        "client-1000665",
        "client-1000802",
        "client-1000832",
    ]
    assert sum(moved.values()) == 17
