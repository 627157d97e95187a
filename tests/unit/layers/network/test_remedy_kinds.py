# SPDX-License-Identifier: Apache-2.0
"""Are remedies right in the words of Cilium and Calico, and judged as those plugins read them?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.layers.network.remedy.kinds import said_as
from kguard.layers.network.remedy.peers import API_BLOCK
from kguard.model.manifests import Collected
from kguard.remediation import plan
from tests.unit.layers.network.inputs import AT, deployment, service

_APPS = (
    deployment("db", ", ports: [{containerPort: 5432}]")
    + service("db", 5432)
    + deployment("app", ", env: [{name: DB_HOST, value: db}]")
    + deployment("far", ", env: [{name: DB, value: 'db.shop:5432'}]", namespace="other")
)
_KINDS = {
    "cilium": ("CiliumNetworkPolicy", "cilium.io"),
    "calico": ("CalicoNetworkPolicy", "projectcalico.org"),
}


@pytest.fixture(scope="module")
def engine() -> Any:
    found = EmbeddedEngine()
    yield found
    found.close()


def fix(
    engine: EmbeddedEngine, folder: Path, plugin: str, wishes: Any, text: str = _APPS
) -> plan.Plan:
    (folder / "in.yaml").write_text(text)
    options = scan.Options(at=AT, layers=("network",), assume={"cni": plugin})
    collected = sources.collect([str(folder)], sources.Options(render="never"))

    def judge(given: Collected) -> scan.Judged:
        return scan.scan(given, options, engine)

    return plan.make(judge(collected), judge, wishes)


@pytest.mark.parametrize("plugin", _KINDS)
def test_everything_is_closed_in_the_kind_that_is_asked_for(
    plugin: str, engine: EmbeddedEngine, tmp_path: Path
) -> None:
    kind, group = _KINDS[plugin]
    found = fix(engine, tmp_path, plugin, plan.Wishes(tighten=True, policy_kind=kind))
    made = [m for m in found.after.inventory if m.kind.endswith("NetworkPolicy")]
    assert {manifest.group for manifest in made} == {group}
    proof = found.proof
    assert (proof.remaining, proof.refused, proof.cuts, proof.opens) == ((), (), (), ())
    assert proof.flows.allowed_after == proof.flows.intended
    assert proof.second_run_empty


@pytest.mark.parametrize(("plugin", "kind"), [("calico", "cilium"), ("cilium", "calico")])
def test_a_plugin_that_does_not_read_a_kind_is_told_so(
    plugin: str, kind: str, engine: EmbeddedEngine, tmp_path: Path
) -> None:
    wishes = plan.Wishes(policy_kind=_KINDS[kind][0])
    found = fix(engine, tmp_path, plugin, wishes)
    reason = f"the network plugin ({plugin}) does not read policies of {kind.title()}"
    assert {entry.reason for entry in found.proof.cannot} == {reason}
    assert found.applied.created == {}


def _policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"podSelector": {}, **spec},
    }


_PEERS = [
    {"podSelector": {"matchLabels": {"app": "a"}}},
    {"podSelector": {}},
    {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "p"}}},
    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "n"}}},
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}},
    {"ipBlock": API_BLOCK},
]
_PORTS = [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}]


def test_cilium() -> None:
    made = said_as(
        _policy(policyTypes=["Egress"], egress=[{"to": _PEERS, "ports": _PORTS}]),
        "CiliumNetworkPolicy",
    )
    ports = [{"ports": [{"port": "53", "protocol": "TCP"}, {"port": "53", "protocol": "UDP"}]}]
    space = "k8s:io.kubernetes.pod.namespace"
    anywhere = [{"key": space, "operator": "Exists"}]
    assert (made["apiVersion"], made["kind"]) == ("cilium.io/v2", "CiliumNetworkPolicy")
    assert made["spec"] == {
        "endpointSelector": {},
        "egress": [
            {
                "toEndpoints": [
                    {"matchLabels": {"app": "a"}},
                    {},
                    {"matchLabels": {"app": "p"}, "matchExpressions": anywhere},
                    {"matchLabels": {space: "n"}},
                ],
                "toPorts": ports,
            },
            {"toEntities": ["kube-apiserver"], "toPorts": ports},
            {
                "toCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}],
                "toPorts": ports,
            },
        ],
    }


def test_cilium_says_nobody_and_everybody_its_own_way() -> None:
    nobody = said_as(_policy(policyTypes=["Ingress"]), "CiliumNetworkPolicy")
    assert nobody["spec"]["ingress"] == [{}]
    rule = {"ports": [{"protocol": "TCP", "port": 8443}]}
    everybody = said_as(_policy(policyTypes=["Ingress"], ingress=[rule]), "CiliumNetworkPolicy")
    (made,) = everybody["spec"]["ingress"]
    assert made["fromEntities"] == ["all"]


def test_calico() -> None:
    terms = [{"key": "app", "operator": "In", "values": ["a", "b"]}]
    rule = {"from": [_PEERS[0], _PEERS[2], _PEERS[4]], "ports": _PORTS[:1]}
    made = said_as(
        {
            **_policy(),
            "spec": {
                "podSelector": {"matchLabels": {"t": "x"}, "matchExpressions": terms},
                "policyTypes": ["Ingress"],
                "ingress": [rule, {"ports": _PORTS[1:]}],
            },
        },
        "CalicoNetworkPolicy",
    )
    head = {"action": "Allow", "protocol": "TCP", "destination": {"ports": [53]}}
    anywhere = {"selector": "app == 'p'", "namespaceSelector": "all()"}
    nets = {"nets": ["0.0.0.0/0"], "notNets": ["10.0.0.0/8"]}
    assert made["spec"] == {
        "selector": "t == 'x' && app in { 'a', 'b' }",
        "types": ["Ingress"],
        "ingress": [
            {**head, "source": {"selector": "app == 'a'"}},
            {**head, "source": anywhere},
            {**head, "source": nets},
            {"action": "Allow", "protocol": "UDP", "destination": {"ports": [53]}},
        ],
    }
    nobody = said_as(_policy(policyTypes=["Ingress"]), "CalicoNetworkPolicy")
    assert nobody["spec"] == {"selector": "all()", "types": ["Ingress"]}


@pytest.mark.parametrize(
    ("plugin", "kind", "made"),
    [
        ("calico", "NetworkPolicy", "StagedKubernetesNetworkPolicy"),
        ("calico", "CalicoNetworkPolicy", "StagedNetworkPolicy"),
        ("cilium", "CiliumNetworkPolicy", ""),
        ("generic", "NetworkPolicy", ""),
    ],
)
def test_policies_observe_first_where_the_plugin_can(
    plugin: str, kind: Any, made: str, engine: EmbeddedEngine, tmp_path: Path
) -> None:
    wishes = plan.Wishes(tighten=True, policy_kind=kind, stage="observe")
    found = fix(engine, tmp_path, plugin, wishes)
    kinds = {m.kind for m in found.after.inventory if m.kind.endswith("NetworkPolicy")}
    assert kinds == ({made} if made else set())
    assert found.proof.closes == ()
    assert found.proof.second_run_empty
    reasons = {entry.reason for entry in found.proof.cannot}
    assert reasons == {
        "a staged policy only observes"
        if made
        else "the network plugin has no objects that only observe"
    }


def test_only_ciliums_own_kind_can_name_the_api_server(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    """It may be a node, and address blocks mean no nodes to Cilium."""
    asks = deployment("app", ", env: [{name: X, value: 'https://kubernetes.default.svc'}]")
    plain = fix(engine, tmp_path, "cilium", plan.Wishes(tighten=True), asks)
    (refused,) = plain.proof.refused
    assert "shop/app to the API server at 443/TCP was allowed" in refused.counterexample
    own = plan.Wishes(tighten=True, policy_kind="CiliumNetworkPolicy")
    found = fix(engine, tmp_path, "cilium", own, asks)
    assert (found.proof.refused, found.proof.remaining) == ((), ())
    verdicts = {f.verdict for f in found.after.facts["network"].flows if f.basis == "apiserver"}
    assert verdicts == {"allowed"}
