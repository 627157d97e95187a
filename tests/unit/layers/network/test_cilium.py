# SPDX-License-Identifier: Apache-2.0
"""Do Cilium's policies decide where its engine cannot be asked: names, Services, contents?"""

from __future__ import annotations

import pytest

from kguard.layers.network.semantics.addresses import address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from tests.objects import inventory

PODS = """
{kind: Namespace, apiVersion: v1, metadata: {name: shop}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: other}}
---
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: []}
status: {podIP: 10.1.0.1}
---
kind: Pod
apiVersion: v1
metadata: {name: far, namespace: other, labels: {app: far}}
spec: {containers: []}
status: {podIP: 10.2.0.1}
---
kind: Pod
apiVersion: v1
metadata: {name: agent, namespace: other, labels: {app: agent}}
spec: {hostNetwork: true, containers: []}
---
kind: Service
apiVersion: v1
metadata: {name: far, namespace: other}
spec: {selector: {app: far}, ports: [{port: 80}]}
---
kind: CiliumCIDRGroup
apiVersion: cilium.io/v2
metadata: {name: partners, labels: {role: partner}}
spec: {externalCIDRs: [198.51.100.0/24]}
"""
PARTNER, STRANGER = "198.51.100.7", "203.0.113.7"


def _cluster(spec: str) -> Cluster:
    head = "---\nkind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\n"
    text = f"{PODS}{head}metadata: {{name: p, namespace: shop}}\nspec: {spec}\n"
    marks = [found for text in (PARTNER, STRANGER) if (found := address(text))]
    return Cluster(inventory(text), PROFILES["cilium"], whole=True, marks=marks)


def _opens(spec: str, target: str, port: int = 80) -> bool | None:
    """Whether `web` can open a pod or an address."""
    cluster = _cluster(spec)
    assert cluster.refused == []
    reach, names = cluster.reach, [workload.name for workload in cluster.workloads]
    outside = address(target)
    if outside is None:
        ports = reach.connection(names.index("web"), names.index(target))
    else:
        atoms = reach.addresses["egress"].of_range(outside)
        ports = reach.to_address(names.index("web"), atoms.bit_length() - 1)
    atom = reach.ports.of_port("TCP", port)
    if ports.must & atom:
        return True
    return None if ports.may & atom else False


def _egress(rule: str) -> str:
    return f"{{endpointSelector: {{}}, egress: [{rule}]}}"


def test_http_rules_are_narrower_than_their_port() -> None:
    ports = "toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [%s]}}]"
    assert _opens(_egress("{" + ports % "{method: GET}" + "}"), "far") is None
    assert _opens(_egress("{" + ports % "{method: GET}" + "}"), "far", port=81) is False
    assert _opens(_egress("{" + ports % "{}" + "}"), "far") is True


def test_a_domain_is_some_address_outside() -> None:
    spec = _egress("{toFQDNs: [{matchName: api.example.com}]}")
    assert _opens(spec, STRANGER) is None
    assert _opens(spec, "far") is False


def test_a_service_is_the_pods_behind_it() -> None:
    named = _egress("{toServices: [{k8sService: {serviceName: far, namespace: other}}]}")
    assert _opens(named, "far") is True
    assert _opens(named, STRANGER) is False
    absent = _egress("{toServices: [{k8sService: {serviceName: gone, namespace: other}}]}")
    assert _opens(absent, "far") is None


@pytest.mark.parametrize(
    "group", ["cidrGroupRef: partners", "cidrGroupSelector: {matchLabels: {role: partner}}"]
)
def test_a_group_of_cidrs_is_its_addresses(group: str) -> None:
    spec = _egress(f"{{toCIDRSet: [{{{group}}}]}}")
    assert _opens(spec, PARTNER) is True
    assert _opens(spec, STRANGER) is False


def test_a_group_that_is_not_in_the_input_may_be_any_address() -> None:
    spec = _egress("{toCIDRSet: [{cidrGroupRef: gone}]}")
    assert _opens(spec, STRANGER) is None
    assert _opens(spec, "far") is False


def test_pods_on_the_host_network_are_nodes() -> None:
    assert _opens(_egress("{toEntities: [cluster]}"), "agent") is None
    assert _opens(_egress("{toEntities: [all]}"), "agent") is True
    assert _opens(_egress("{toEndpoints: [{}]}"), "agent") is False


def test_authentication_is_a_further_condition() -> None:
    spec = _egress("{toEntities: [all], authentication: {mode: required}}")
    assert _opens(spec, "far") is None


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("{endpointSelector: {}}", "/spec"),
        ("{ingress: [{}]}", "/spec"),
        ("{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", "/spec/nodeSelector"),
        (_egress("{toEntities: [moon]}"), "/spec/egress/0/toEntities/0"),
        (_egress("{toCIDR: [10.0.0.0/8], toEntities: [all]}"), "/spec/egress/0"),
        (_egress("{toPorts: [{ports: [{port: 80}]}]}"), "/spec/egress/0/toPorts/0/ports/0/port"),
        (_egress("{toCIDR: [10.0.0.0/64]}"), "/spec/egress/0/toCIDR/0"),
    ],
)
def test_what_cilium_refuses_has_no_effect(spec: str, place: str) -> None:
    cluster = _cluster(spec)
    assert cluster.others == []
    assert place in {q.pointer for policy in cluster.refused for q in policy.problems}


CONFIG = """---
kind: ConfigMap
apiVersion: v1
metadata: {name: cilium-config, namespace: kube-system}
data: {%s}
"""


def _configured(data: str, policies: str = "") -> Cluster:
    found = inventory(PODS + policies + CONFIG % data)
    assert found.value("cni") == "cilium"
    return Cluster(found, PROFILES["cilium"], whole=True)


def test_agents_that_never_enforce_leave_everything_open() -> None:
    cluster = _configured("enable-policy: never")
    assert cluster.profile.enforces == "no"


def test_agents_that_always_enforce_isolate_every_pod() -> None:
    reach = _configured("enable-policy: always").reach
    names = [endpoint.labels.get("app") for endpoint in reach.endpoints]
    assert reach.connection(names.index("far"), names.index("web")).may == 0


@pytest.mark.parametrize(("mode", "opens"), [("''", False), ("nodes", True)])
def test_whether_a_cidr_means_nodes_is_configured(mode: str, opens: bool) -> None:
    node = """---
kind: Node
apiVersion: v1
metadata: {name: n}
status: {addresses: [{type: InternalIP, address: 198.51.100.7}]}
---
kind: CiliumNetworkPolicy
apiVersion: cilium.io/v2
metadata: {name: p, namespace: shop}
spec: {endpointSelector: {}, egress: [{toCIDR: [198.51.100.0/24]}]}
"""
    cluster = _configured(f"policy-cidr-match-mode: {mode}", node)
    reach = cluster.reach
    names = [workload.name for workload in cluster.workloads]
    partner = address(PARTNER)
    assert partner is not None
    atoms = reach.addresses["egress"].of_range(partner)
    ports = reach.to_address(names.index("web"), atoms.bit_length() - 1)
    assert bool(ports.must & reach.ports.of_port("TCP", 80)) is opens


@pytest.mark.parametrize(
    ("profile", "known"),
    [
        ("generic", 3),
        ("calico", 2),
        ("cilium", 2),
        ("ovn-kubernetes", 1),
        ("antrea", 1),
        ("kube-network-policies", 2),
        ("none", 0),
        ("netpol-analyzer", 1),
    ],
)
def test_plugins_know_different_kinds(profile: str, known: int) -> None:
    subject = "subject: {namespaces: {}}"
    text = f"""
{{kind: AdminNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha1,
 metadata: {{name: a}}, spec: {{priority: 1, {subject}}}}}
---
{{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2,
 metadata: {{name: c}}, spec: {{tier: Admin, priority: 1, {subject}}}}}
---
{{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {{name: o, namespace: x}},
 spec: {{endpointSelector: {{}}, ingress: [{{}}]}}}}
"""
    cluster = Cluster(inventory(text), PROFILES[profile])
    assert len({policy.id for policy in cluster.others}) == known
    assert len(cluster.ineffective) == 3 - known
