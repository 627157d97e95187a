# SPDX-License-Identifier: Apache-2.0
"""What does the proof say of intended flows: those of the input, new ones, under each plugin?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.remediation import plan
from kguard.remediation.proof import Flows
from kguard.remediation.write import prose
from tests.objects import manifests
from tests.unit.layers.network.inputs import deployment, policy, service

_SHOP = (
    deployment("db", ", ports: [{containerPort: 5432}]")
    + service("db", 5432)
    + deployment("web", ", env: [{name: DB_HOST, value: db}]")
)
_ISTIO = """
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    found = EmbeddedEngine()
    yield found
    found.close()


@pytest.fixture
def fix(engine: EmbeddedEngine, tmp_path: Path) -> Any:
    def run(text: str, *layers: str, scan_as: Any = None) -> Any:
        (tmp_path / "shop.yaml").write_text(text)
        collected = sources.collect([str(tmp_path)], sources.Options(render="never"))
        judge = _judge(engine, layers)
        return plan.make(judge(collected), judge, plan.Wishes(), scan_as).proof

    return run


def _judge(engine: EmbeddedEngine, layers: Any, **assume: str) -> Any:
    options = scan.Options(at=datetime(2026, 11, 23, tzinfo=UTC), layers=layers, assume=assume)

    def judge(collected: Collected) -> scan.Judged:
        return scan.scan(collected, options, engine)

    return judge


def test_flows_that_remedies_bring_are_not_counted_as_kept(fix: Any) -> None:
    """Enrolled pods need istiod, which nobody intended before."""
    found = fix(_SHOP + _ISTIO, "network", "mtls")
    assert found.flows == Flows(
        intended=2, allowed_before=2, allowed_after=2, added=3, added_allowed=3
    )
    assert "- keeps 2 of 2 intended flows (2 were allowed before)" in prose(found)
    assert "- brings 3 intended flows of its own, 3 allowed" in prose(found)


def test_without_new_flows_nothing_is_said_of_them(fix: Any) -> None:
    found = fix(_SHOP, "network")
    assert found.flows == Flows(intended=2, allowed_before=2, allowed_after=2)
    assert "of its own" not in prose(found)


def test_the_proof_is_made_for_every_plugin(fix: Any, engine: EmbeddedEngine) -> None:
    def scan_as(collected: Collected, assume: Any) -> Any:
        return _judge(engine, ("network",), **assume)(collected)

    found = fix(_SHOP, "network", scan_as=scan_as)
    assert [reading.plugin for reading in found.readings if reading.holds] == [
        "antrea",
        "calico",
        "cilium",
        "kube-network-policies",
        "ovn-kubernetes",
    ]
    assert "- holds under every plugin judged: antrea, calico" in prose(found)


def test_a_plugin_that_reads_the_policies_otherwise_is_named(
    fix: Any, engine: EmbeddedEngine
) -> None:
    def scan_as(collected: Collected, assume: Any) -> Any:
        remedied = any(m.object["kind"] == "NetworkPolicy" for m in collected.manifests)
        extra = manifests(policy("p", "{podSelector: {}, policyTypes: [Egress]}"))
        cut = remedied and assume["cni"] == "cilium"
        judged = Collected(manifests=[*collected.manifests, *(extra if cut else [])])
        return _judge(engine, ("network",), **assume)(judged)

    found = fix(_SHOP, "network", scan_as=scan_as)
    (broken,) = [reading for reading in found.readings if not reading.holds]
    assert broken.plugin == "cilium"
    assert broken.because.startswith("cuts Deployment shop/web: shop/web to ")
    assert "- does not hold under cilium: it cuts Deployment shop/web" in prose(found)
