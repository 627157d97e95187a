# SPDX-License-Identifier: Apache-2.0
"""What is certain where plugins differ about ranges of ports, SCTP and a pod's own node?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.layers.network import LAYER
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.facts.network import Facts
from kguard.model.findings import Assumed
from kguard.model.layer import Request
from tests.objects import inventory

PODS = """
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
  - name: c
    ports: [{name: signal, containerPort: 3868, protocol: SCTP}]
    livenessProbe: {tcpSocket: {port: 8080}}
---
kind: Pod
apiVersion: v1
metadata: {name: near, namespace: shop}
spec: {containers: []}
"""
RANGE = "{port: 8000, endPort: 8010}"
NUMBER, NAME = "{protocol: SCTP, port: 3868}", "{protocol: SCTP, port: signal}"


def _policy(ports: str, direction: str = "ingress") -> str:
    rules = f"{direction}: [{{ports: [{ports}]}}]"
    spec = f"{{podSelector: {{}}, policyTypes: [{direction.capitalize()}], {rules}}}"
    head = "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1"
    return f"---\n{head}\nmetadata: {{name: p, namespace: shop}}\nspec: {spec}\n"


def _answers(text: str, plugin: str, protocol: str, *ports: int) -> list[bool | None]:
    cluster = Cluster(inventory(PODS + text), PROFILES[plugin], whole=True)
    names = [workload.name for workload in cluster.workloads]
    found = cluster.reach.connection(names.index("near"), names.index("web"))
    atoms = [cluster.reach.ports.of_port(protocol, port) for port in ports]
    return [True if found.must & a else None if found.may & a else False for a in atoms]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
@pytest.mark.parametrize(
    ("plugin", "inside"),
    [("generic", None), ("weave", None), ("calico", True), ("cilium", True), ("antrea", True)],
)
def test_the_first_port_of_a_range_is_certain_everywhere(
    plugin: str, inside: bool | None, direction: str
) -> None:
    found = _answers(_policy(RANGE, direction), plugin, "TCP", 7999, 8000, 8001, 8010, 8011)
    assert found == [False, True, inside, inside, False]


def test_all_ports_of_a_protocol_are_no_range() -> None:
    assert _answers(_policy("{protocol: TCP}"), "generic", "TCP", 1, 65535) == [True, True]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
@pytest.mark.parametrize("port", [NUMBER, NAME])
@pytest.mark.parametrize(
    ("plugin", "opens"),
    [("generic", None), ("cilium", None), ("kube-router", None), ("calico", True)],
)
def test_whether_a_rule_admits_sctp_depends(
    plugin: str, opens: bool | None, port: str, direction: str
) -> None:
    text = _policy(port, direction)
    assert _answers(text, plugin, "SCTP", 3868, 3869) == [opens, False]
    assert _answers(text, plugin, "TCP", 3868) == [False], "it isolates all the same"


@pytest.mark.parametrize(("setting", "opens"), [("enable-sctp", True), ("enable-ipv4", False)])
def test_cilium_says_itself_whether_it_knows_sctp(setting: str, opens: bool) -> None:
    text = _policy(NUMBER) + _config(f"{setting}: 'true'")
    assert _answers(text, "cilium", "SCTP", 3868) == [opens]
    assert _answers(text, "cilium", "TCP", 3868) == [False]


def _config(data: str) -> str:
    head = (
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: cilium-config, namespace: kube-system}"
    )
    return f"---\n{head}\ndata: {{{data}}}\n"


def _cilium(spec: str) -> str:
    head = "kind: CiliumNetworkPolicy\napiVersion: cilium.io/v2"
    selected = f"{{endpointSelector: {{}}, {spec}}}"
    return f"---\n{head}\nmetadata: {{name: p, namespace: shop}}\nspec: {selected}\n"


NODE = """---
kind: Node
apiVersion: v1
metadata: {name: n}
status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}
"""


def _probe(text: str, plugin: str) -> str:
    found = LAYER.facts(
        inventory(PODS + NODE + text, assume={"cni": Assumed(plugin, "configured", "--assume")}),
        Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC)),
    )
    assert isinstance(found, Facts)
    return next(flow.verdict for flow in found.flows if flow.basis == "probe")


@pytest.mark.parametrize("plugin", ["generic", "calico", "antrea", "kube-router", "cilium"])
def test_probes_come_in_whatever_is_isolated(plugin: str) -> None:
    assert _probe(_policy("{port: 1}"), plugin) == "allowed"


@pytest.mark.parametrize(
    ("entities", "port", "verdict"),
    [("all", 8080, "blocked"), ("host", 8080, "unknown"), ("all", 81, "allowed")],
)
def test_cilium_lets_a_rule_deny_the_node(entities: str, port: int, verdict: str) -> None:
    ports = f"toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]"
    text = _cilium(f"ingressDeny: [{{fromEntities: [{entities}], {ports}}}]")
    assert _probe(text, "cilium") == verdict


def test_cilium_can_be_told_to_judge_the_node_as_others() -> None:
    text = _policy("{port: 1}") + _config("allow-localhost: policy")
    assert _probe(text, "cilium") == "blocked"
    assert _probe(_policy("{port: 8080}") + _config("allow-localhost: policy"), "cilium") == (
        "allowed"
    )


def test_intended_connections_say_what_each_plugin_would_answer() -> None:
    asking = PODS.replace(
        "metadata: {name: near, namespace: shop}\nspec: {containers: []}",
        "metadata: {name: near, namespace: shop}\n"
        "spec: {containers: [{name: c, env: [{name: WEB, value: 'http://web:8005'}]}]}",
    )
    service = (
        "---\nkind: Service\napiVersion: v1\nmetadata: {name: web, namespace: shop}\n"
        "spec: {selector: {app: web}, ports: [{port: 8005}]}\n"
    )
    request = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
    found = LAYER.facts(inventory(asking + service + _policy(RANGE)), request)
    assert isinstance(found, Facts)
    flow = next(flow for flow in found.flows if flow.basis == "environment")
    assert flow.verdict == "unknown"
    assert flow.depends.startswith("allowed under antrea, calico, cilium")
    assert {flow.depends for flow in found.flows if flow.verdict != "unknown"} == {""}
