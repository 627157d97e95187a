# SPDX-License-Identifier: Apache-2.0
"""What does the proof say of calls through the mesh?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.remediation import plan
from kguard.remediation.proof import Flows
from kguard.remediation.prose import prose
from kguard.scan import Judged, Options, scan
from tests.unit.layers.mtls.inputs import AT, NAMESPACE, STRICT, deployment, inventory

SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: cart, namespace: shop}
    spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
"""
RULE = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: cart, namespace: shop}
    spec: {host: cart, trafficPolicy: {tls: {mode: DISABLE}}}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


def test_calls_that_work_again_are_counted(engine: EmbeddedEngine) -> None:
    web = deployment("web").replace(
        "image: x,", 'image: x, env: [{name: C, value: "http://cart/"}],'
    )
    made = inventory(NAMESPACE, STRICT, deployment(), web, SERVICE, RULE)
    options = Options(scope="cluster", at=AT, layers=("mtls",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    running = [
        Manifest(manifest.object, SourceText("", number, 0, "", cluster="prod"))
        for number, manifest in enumerate(made)
    ]
    proof = plan.make(again(Collected(manifests=running)), again, plan.Wishes()).proof
    assert proof.edges == Flows(intended=1, allowed_before=0, allowed_after=1)
    assert "- 1 of 1 intended calls work through the mesh (0 did before)" in prose(proof)
