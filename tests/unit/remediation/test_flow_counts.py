# SPDX-License-Identifier: Apache-2.0
"""Are the intended flows counted that the input had, and new ones apart?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.remediation import plan
from kguard.remediation.proof import Flows
from kguard.remediation.write import prose
from tests.unit.layers.network.inputs import deployment, service

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


def _plan(folder: Path, *layers: str) -> plan.Plan:
    options = scan.Options(at=datetime(2026, 11, 23, tzinfo=UTC), layers=layers)
    engine = EmbeddedEngine()

    def judge(collected: Collected) -> scan.Judged:
        return scan.scan(collected, options, engine)

    try:
        before = judge(sources.collect([str(folder)], sources.Options(render="never")))
        return plan.make(before, judge, plan.Wishes())
    finally:
        engine.close()


def test_flows_that_remedies_bring_are_not_counted_as_kept(tmp_path: Path) -> None:
    """Enrolled pods need istiod, which nobody intended before."""
    (tmp_path / "shop.yaml").write_text(_SHOP + _ISTIO)
    found = _plan(tmp_path, "network", "mtls").proof
    assert found.flows == Flows(
        intended=2, allowed_before=2, allowed_after=2, added=3, added_allowed=3
    )
    assert "- keeps 2 of 2 intended flows (2 were allowed before)" in prose(found)
    assert "- brings 3 intended flows of its own, 3 allowed" in prose(found)


def test_without_new_flows_nothing_is_said_of_them(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(_SHOP)
    found = _plan(tmp_path, "network").proof
    assert found.flows == Flows(intended=2, allowed_before=2, allowed_after=2)
    assert "of its own" not in prose(found)
