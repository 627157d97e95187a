# SPDX-License-Identifier: Apache-2.0
"""Do policies of Calico decide as its documentation and Felix say?"""

from __future__ import annotations

import pytest

from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from tests.objects import inventory

PODS = """
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {team: a}}
---
kind: Namespace
apiVersion: v1
metadata: {name: other, labels: {team: b}}
---
kind: ServiceAccount
apiVersion: v1
metadata: {name: trusted, namespace: other, labels: {level: high}}
---
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 10.1.0.1}
---
kind: Pod
apiVersion: v1
metadata: {name: near, namespace: shop, labels: {app: near}}
spec: {containers: []}
status: {podIP: 10.1.0.2}
---
kind: Pod
apiVersion: v1
metadata: {name: far, namespace: other, labels: {app: far}}
spec: {serviceAccountName: trusted, containers: []}
status: {podIP: 10.2.0.1}
---
kind: Service
apiVersion: v1
metadata: {name: front, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
kind: GlobalNetworkSet
apiVersion: projectcalico.org/v3
metadata: {name: office, labels: {role: office}}
spec: {nets: [10.2.0.0/16, 198.51.100.0/24]}
---
kind: Tier
apiVersion: projectcalico.org/v3
metadata: {name: security}
spec: {order: 100}
---
kind: Tier
apiVersion: projectcalico.org/v3
metadata: {name: soft}
spec: {order: 200, defaultAction: Pass}
"""


def _policy(name: str, spec: str, *, namespace: str = "", staged: str = "") -> str:
    kind = f"{staged}{'NetworkPolicy' if namespace else 'GlobalNetworkPolicy'}"
    place = f", namespace: {namespace}" if namespace else ""
    head = f"kind: {kind}\napiVersion: projectcalico.org/v3\nmetadata: {{name: {name}{place}}}"
    return f"---\n{head}\nspec: {spec}\n"


KUBERNETES = """---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}
"""
_SVC = "services: {name: a, namespace: b}"
_ACCOUNT = (
    "serviceAccounts: {selector: projectcalico.org/name == 'trusted'}, namespaceSelector: all()"
)
INGRESS = "{selector: \"app == 'web'\", ingress: [{action: %s, protocol: TCP, source: {%s}}]%s}"


def _open(policies: str, source: str, target: str = "web", port: int = 8080) -> bool | None:
    cluster = Cluster(inventory(PODS + policies), PROFILES["calico"], whole=True)
    assert cluster.refused == []
    names = [workload.name for workload in cluster.workloads]
    ports = cluster.reach.connection(names.index(source), names.index(target))
    atom = cluster.reach.ports.of_port("TCP", port)
    if ports.must & atom:
        return True
    return None if ports.may & atom else False


@pytest.mark.parametrize(
    ("source", "near", "far"),
    [
        ("selector: all()", True, False),
        ("selector: \"app == 'near'\"", True, False),
        ("namespaceSelector: all()", True, True),
        ("namespaceSelector: \"team == 'b'\"", False, True),
        ("namespaceSelector: global()", False, True),
        ("selector: \"role == 'office'\", namespaceSelector: global()", False, True),
        ("serviceAccounts: {names: [trusted]}, namespaceSelector: all()", False, True),
        ("serviceAccounts: {selector: level == 'high'}, namespaceSelector: all()", False, True),
        ("namespaceSelector: projectcalico.org/name == 'other'", False, True),
        ("selector: pcns.projectcalico.org/name == 'other', namespaceSelector: all()", False, True),
        (_ACCOUNT, False, True),
        ("notSelector: app == 'near'", False, False),
        ("nets: [10.2.0.0/16]", False, True),
        ("notNets: [10.2.0.0/16]", True, False),
        ("nets: [10.0.0.0/8], notNets: [10.1.0.2/32]", False, True),
    ],
)
def test_a_namespaced_policy_admits_whom_its_source_names(
    source: str, near: bool, far: bool
) -> None:
    text = _policy("p", INGRESS % ("Allow", source, ""), namespace="shop")
    assert (_open(text, "near"), _open(text, "far")) == (near, far)


def test_a_selector_of_a_global_policy_means_every_namespace_and_network_sets() -> None:
    everyone = _policy("p", INGRESS % ("Allow", "selector: has(app)", ""))
    assert (_open(everyone, "near"), _open(everyone, "far")) == (True, True)
    office = _policy("p", INGRESS % ("Allow", "selector: role == 'office'", ""))
    assert (_open(office, "near"), _open(office, "far")) == (False, True)


def test_a_not_selector_narrows_a_selector_object_by_object() -> None:
    alone = _policy("p", INGRESS % ("Allow", "notSelector: app == 'far'", ""))
    assert (_open(alone, "near"), _open(alone, "far")) == (True, False)
    beside = "selector: has(app) || has(role), notSelector: app == 'far'"
    text = _policy("p", INGRESS % ("Allow", beside, ""))
    assert _open(text, "far") is True, "its address is in a network set that is not excluded"


def test_network_sets_have_no_orchestrator() -> None:
    source = "selector: projectcalico.org/orchestrator != 'k8s'"
    text = _policy("p", INGRESS % ("Allow", source, ""))
    assert (_open(text, "near"), _open(text, "far")) == (False, True)


def test_an_order_below_1000_precedes_the_policies_of_kubernetes() -> None:
    early = _policy("p", INGRESS % ("Deny", "selector: has(app)", ", order: 10"))
    late = _policy("p", INGRESS % ("Deny", "selector: has(app)", ", order: 2000"))
    assert _open(KUBERNETES, "near") is True
    assert _open(KUBERNETES + early, "near") is False
    assert _open(KUBERNETES + late, "near") is True


def test_a_tier_denies_what_none_of_its_policies_decides_unless_it_passes() -> None:
    rest = ", tier: security"
    assert _open(_policy("p", INGRESS % ("Allow", "selector: has(x)", rest)), "near") is False
    passing = _policy("p", INGRESS % ("Pass", "selector: has(app)", rest))
    assert _open(passing, "near") is True
    assert _open(passing + KUBERNETES, "far") is False
    soft = _policy("p", INGRESS % ("Allow", "selector: has(x)", ", tier: soft"))
    assert _open(soft, "near") is True


def test_staged_policies_have_no_effect() -> None:
    staged = _policy("p", INGRESS % ("Deny", "selector: all()", ""), staged="Staged")
    assert _open(staged, "near") is True


def test_a_service_is_its_endpoints_and_their_ports() -> None:
    spec = (
        "{selector: app == 'near', types: [Egress], egress:"
        " [{action: Allow, destination: {services: {name: front, namespace: shop}}}]}"
    )
    text = _policy("p", spec, namespace="shop")
    assert _open(text, "near") is True
    assert _open(text, "near", port=9090) is False
    assert _open(text, "near", target="far") is False
    assert _open(text.replace("action: Allow", "action: Allow, protocol: UDP"), "near") is False


def test_a_service_without_ports_means_no_connection() -> None:
    spec = (
        "{selector: app == 'near', types: [Egress], egress:"
        " [{action: Allow, destination: {services: {name: none, namespace: shop}}}]}"
    )
    service = (
        "---\nkind: Service\napiVersion: v1\nmetadata: {name: none, namespace: shop}\n"
        "spec: {selector: {app: web}, ports: []}\n"
    )
    assert _open(_policy("p", spec, namespace="shop") + service, "near") is False


def test_a_service_of_pods_on_the_host_network_may_be_anyone() -> None:
    spec = "{ingress: [{action: Allow, source: {services: {name: hosts, namespace: shop}}}]}"
    objects = (
        "---\nkind: Service\napiVersion: v1\nmetadata: {name: hosts, namespace: shop}\n"
        "spec: {selector: {app: host}, ports: [{port: 80}]}\n"
        "---\nkind: Pod\napiVersion: v1\n"
        "metadata: {name: host, namespace: shop, labels: {app: host}}\n"
        "spec: {hostNetwork: true, containers: []}\n"
    )
    assert _open(_policy("p", spec, namespace="shop") + objects, "near") is None


def test_what_is_narrower_than_ports_is_not_certain() -> None:
    http = "{selector: \"app == 'web'\", ingress: [{action: Allow, http: {methods: [GET]}}]}"
    assert _open(_policy("p", http, namespace="shop"), "near") is None


def test_only_egress_rules_leave_ingress_alone() -> None:
    spec = "{selector: all(), egress: [{action: Allow}]}"
    assert _open(_policy("p", spec, namespace="shop"), "far") is True


def test_ports_ranges_names_and_exceptions() -> None:
    rule = "{action: Allow, protocol: TCP, destination: {%s}}"
    spec = f"{{selector: all(), ingress: [{rule}]}}"
    ports = _policy("p", spec % 'ports: ["1000:2000", http], notPorts: [1500]', namespace="shop")
    found = [_open(ports, "near", port=port) for port in (1000, 1500, 2000, 2001, 8080)]
    assert found == [True, False, True, False, True]
    named = _policy("p", spec % "ports: [http, 1000], notPorts: [8080]", namespace="shop")
    assert [_open(named, "near", port=port) for port in (1000, 8080)] == [True, False]


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("{tier: nowhere}", "/spec/tier"),
        ("{order: first}", "/spec/order"),
        ("{selector: 'a = b'}", "/spec/selector"),
        ("{selector: global()}", "/spec/selector"),
        ("{types: [Out]}", "/spec/types/0"),
        ("{types: [Ingress, Ingress]}", "/spec/types"),
        ("{doNotTrack: true}", "/spec/applyOnForward"),
        ("{doNotTrack: true, preDNAT: true, applyOnForward: true}", "/spec/preDNAT"),
        ("{preDNAT: true, applyOnForward: true, types: [Egress]}", "/spec/preDNAT"),
        ("{ingress: [{action: Accept}]}", "/spec/ingress/0/action"),
        ("{ingress: [{action: Allow, destination: {ports: [80]}}]}", "/destination/ports"),
        ("{ingress: [{action: Allow, protocol: 50, source: {ports: [80]}}]}", "/source/ports"),
        ("{ingress: [{action: Allow, protocol: tcp}]}", "/protocol"),
        ("{ingress: [{action: Allow, protocol: 0}]}", "/protocol"),
        ("{ingress: [{action: Allow, protocol: TCP, destination: {ports: [0]}}]}", "not a port"),
        ("{ingress: [{action: Allow, protocol: ICMP, ipVersion: 6}]}", "/ipVersion"),
        ("{ingress: [{action: Allow, icmp: {type: 8}}]}", "/icmp"),
        ("{ingress: [{action: Allow, protocol: ICMP, icmp: {type: 255}}]}", "/icmp/type"),
        ("{ingress: [{action: Allow, protocol: ICMP, icmp: {code: 1}}]}", "/icmp/code"),
        ("{ingress: [{action: Deny, http: {methods: [GET]}}]}", "/http"),
        ("{ingress: [{action: Allow, protocol: UDP, http: {methods: [GET]}}]}", "/http"),
        ("{egress: [{action: Allow, http: {methods: [GET]}}]}", "/http"),
        ("{ingress: [{action: Allow, source: {nets: [10.0.0.0/40]}}]}", "/source/nets/0"),
        ("{ingress: [{action: Allow, source: {nets: [10.0.0.1/8]}}]}", "/source/nets/0"),
        ("{ingress: [{action: Allow, source: {nets: [10.0.0.1]}}]}", "/source/nets/0"),
        ("{ingress: [{action: Allow, source: {nets: [10.0.0.0/8, '::/0']}}]}", "IPv4 and of IPv6"),
        ("{ingress: [{action: Allow, ipVersion: 6, source: {nets: [10.0.0.0/8]}}]}", "of IPv6"),
        ("{ingress: [{action: Allow, source: {selector: global()}}]}", "/source/selector"),
        (
            "{ingress: [{action: Allow, source: {namespaceSelector: global() || has(a)}}]}",
            "/source/namespaceSelector",
        ),
        ("{ingress: [{action: Allow, source: {services: {namespace: a}}}]}", "name of the Service"),
        ("{ingress: [{action: Allow, source: {services: {name: a}}}]}", "namespace of the Service"),
        ("{egress: [{action: Allow, source: {services: {name: a, namespace: b}}}]}", "of egress"),
        ("{ingress: [{action: Allow, source: {" + _SVC + ", nets: ['::/0']}}]}", "/source/nets"),
        (
            "{egress: [{action: Allow, protocol: TCP, destination: {" + _SVC + ", ports: [80]}}]}",
            "services bring their ports",
        ),
    ],
)
def test_what_calico_refuses_has_no_effect(spec: str, place: str) -> None:
    text = PODS + _policy("p", spec)
    cluster = Cluster(inventory(text), PROFILES["calico"], whole=True)
    assert [policy.name for policy in cluster.refused] == ["p"]
    assert any(place in f"{q.pointer} {q.text}" for p in cluster.refused for q in p.problems)


def test_under_another_plugin_they_mean_nothing() -> None:
    text = PODS + _policy("p", "{selector: all()}")
    cluster = Cluster(inventory(text), PROFILES["cilium"], whole=True)
    assert cluster.others == []
    assert [manifest.name for manifest in cluster.ineffective] == ["p"]


def test_names_of_ports_are_not_those_of_pods_in_a_network_set() -> None:
    rule = "egress: [{action: Allow, protocol: TCP, destination: {selector: role == 'office', %s}}]"
    ports = "ports: [http, 443]"
    spec = "{selector: app == 'near', types: [Egress], " + rule % ports + "}"
    inside = PODS.replace("podIP: 10.1.0.1", "podIP: 10.2.0.9")
    cluster = Cluster(inventory(inside + _policy("p", spec)), PROFILES["calico"], whole=True)
    names = [workload.name for workload in cluster.workloads]
    found = cluster.reach.connection(names.index("near"), names.index("web"))
    atoms = [cluster.reach.ports.of_port("TCP", port) for port in (443, 8080)]
    assert [bool(found.must & atom) for atom in atoms] == [True, False]
    assert [bool(found.may & atom) for atom in atoms] == [True, False]
