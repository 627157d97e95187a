# SPDX-License-Identifier: Apache-2.0
"""Do the remedies for Online Boutique keep what its own hand-written NetworkPolicies admit?

Those policies (a Kustomize component) are the ground truth for what the shop's services need:
no connection between them that they admit may be cut by ours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.inventory import Inventory, build
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import GENERIC
from kguard.model.manifests import Collected
from kguard.remediation import plan

AT = datetime(2026, 11, 23, tzinfo=UTC)

Connections = set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def shop(shared: Path) -> Path:
    return shared / "corpus" / "online-boutique"


def read(*folders: Path) -> Collected:
    files = [str(f) for folder in folders for f in sorted(folder.glob("*.yaml"))]
    plain = [name for name in files if not name.endswith("/kustomization.yaml")]
    return sources.collect(plain, sources.Options(render="never"))


def connections(inventory: Inventory) -> Connections:
    """Every connection between two workloads at a port that its target serves."""
    cluster = Cluster(inventory, GENERIC)
    reach = cluster.reach
    found: Connections = set()
    for source, caller in enumerate(cluster.workloads):
        for target, called in enumerate(cluster.workloads):
            ports = reach.connection(source, target).must
            for port in called.ports:
                if source != target and ports & reach.ports.of_port(port.protocol, port.number):
                    found.add((caller.name, called.name, f"{port.number}/{port.protocol}"))
    return found


def remedied(shop: Path, *, tighten: bool) -> plan.Plan:
    """The shop with every remedy of the layer applied."""
    options = scan.Options(at=AT, layers=("network",))
    engine = EmbeddedEngine()
    try:
        before = scan.scan(read(shop / "kubernetes-manifests"), options, engine)

        def again(collected: Collected) -> scan.Judged:
            return scan.scan(collected, options, engine)

        return plan.make(before, again, plan.Wishes(tighten=tighten))
    finally:
        engine.close()


@pytest.mark.parametrize("tighten", [False, True])
def test_no_flow_of_the_hand_written_policies_is_cut(shop: Path, *, tighten: bool) -> None:
    component = shop / "kustomize" / "components" / "network-policies"
    truth = connections(build(read(shop / "kubernetes-manifests", component)))
    ours = connections(remedied(shop, tighten=tighten).after.inventory)
    # Their frontend admits everybody; what the others are admitted to is what the shop needs.
    needed = {entry for entry in truth if entry[1] != "frontend" or entry[0] == "loadgenerator"}
    assert len(needed) == 16
    assert needed - ours == set()
    assert ours - truth == set()


def test_the_proof_closes_what_it_says(shop: Path) -> None:
    found = remedied(shop, tighten=True)
    assert found.proof.remaining == found.proof.refused == ()
    assert found.proof.flows.allowed_after == found.proof.flows.intended
    assert found.proof.second_run_empty
    assert [f for f in found.after.report.findings if f.state == "open"] == []
