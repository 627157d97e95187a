# SPDX-License-Identifier: Apache-2.0
"""What does the proof say of calls through the mesh?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

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


def running(found: Iterable[Manifest]) -> Collected:
    """The same objects as a cluster has them."""
    sources = (SourceText("", number, 0, "", cluster="prod") for number in itertools.count())
    return Collected(
        [Manifest(m.object, source) for m, source in zip(found, sources, strict=False)]
    )


def test_calls_that_work_again_are_counted(engine: EmbeddedEngine) -> None:
    web = deployment("web").replace(
        "image: x,", 'image: x, env: [{name: C, value: "http://cart/"}],'
    )
    made = inventory(NAMESPACE, STRICT, deployment(), web, SERVICE, RULE)
    options = Options(scope="cluster", at=AT, layers=("mtls",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    proof = plan.make(again(running(made)), again, plan.Wishes()).proof
    assert proof.edges == Flows(intended=1, allowed_before=0, allowed_after=1)
    assert "- 1 of 1 intended calls work through the mesh (0 did before)" in prose(proof)


AMBIENT = "{istio.io/dataplane-mode: ambient}"
NAMESPACES = (
    """
    apiVersion: v1
    kind: Namespace
    metadata: {name: web, labels: %s}
""",
    """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {}}
""",
)
FRONT = (
    deployment("web")
    .replace("namespace: shop", "namespace: web")
    .replace("image: x,", 'image: x, env: [{name: C, value: "http://cart.shop/"}],')
)
NETWORK_POLICY = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: cart, namespace: shop}
    spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [%s]}]}
"""


@pytest.mark.parametrize(
    ("ports", "label", "harm"),
    [
        ("{port: 8080}", AMBIENT, "take port 15008 now, and policies close it"),
        ("{port: 8080}, {port: 15008}", AMBIENT, ""),
        ("{port: 9090}", AMBIENT, ""),
        ("{port: 8080}", "{istio-injection: enabled}", ""),
    ],
)
def test_a_tunnel_must_pass_network_policies(
    ports: str, label: str, harm: str, engine: EmbeddedEngine
) -> None:
    """What was blocked before is not cut, and sidecars call the port itself."""
    around, inside = NAMESPACES
    texts = (around % label, inside, STRICT, FRONT, deployment(), SERVICE, NETWORK_POLICY % ports)
    options = Options(scope="cluster", at=AT, policies=("mtls/namespace-outside-mesh",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    proof = plan.make(again(running(inventory(*texts))), again, plan.Wishes()).proof
    assert [entry.counterexample.partition("web/web ")[2] for entry in proof.refused] == (
        [harm] if harm else []
    )
    assert len(proof.closes) == (0 if harm else 1)
