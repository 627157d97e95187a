# SPDX-License-Identifier: Apache-2.0
"""Do the facts say what is effectively open, and why?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.layers.network import LAYER
from kguard.model.facts.network import Facts
from kguard.model.layer import Request
from tests.objects import inventory
from tests.unit.layers.network.inputs import AT, deployment, facts_of, policy, service, workload

_REDIS = deployment("redis", ", ports: [{containerPort: 6379, name: redis}]")
_ALL = "{podSelector: {}, ingress: [{}], egress: [{}]}"
_DENY = "{podSelector: {}, policyTypes: [Ingress, Egress]}"


def test_without_a_policy_everything_is_open() -> None:
    redis = workload(facts_of(_REDIS), "redis")
    assert (redis.ingress.isolation, redis.ingress.selected) == ("none", "false")
    assert redis.ingress.cluster.reach == redis.egress.internet.reach == "everything"
    assert redis.ingress.because[0].note.startswith("no policy in namespace shop (it has none)")


def test_an_allow_all_policy_selects_but_restricts_nothing() -> None:
    redis = workload(facts_of(_REDIS + policy("p", _ALL)), "redis")
    assert (redis.ingress.isolation, redis.ingress.selected) == ("open", "true")
    assert redis.ingress.cluster.reach == "everything"
    assert redis.ingress.because[0].pointer == "/spec/ingress/0"


def test_deny_all_closes_both_directions() -> None:
    redis = workload(facts_of(_REDIS + policy("p", _DENY)), "redis")
    assert redis.ingress.isolation == redis.egress.isolation == "closed"
    assert redis.egress.metadata.reach == redis.ingress.internet.reach == "nothing"


def test_a_rule_for_every_namespace_names_the_port_that_it_opens() -> None:
    rule = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: redis}]}]}"
    redis = workload(facts_of(_REDIS + policy("p", rule)), "redis")
    assert (redis.ingress.cluster.reach, redis.ingress.cluster.ports) == ("ports", ["6379/TCP"])
    assert redis.ingress.admits == ["every pod of every namespace at TCP redis"]


def test_pods_of_the_same_namespace_are_told_from_the_cluster() -> None:
    rule = "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"
    redis = workload(facts_of(_REDIS + policy("p", rule)), "redis")
    assert redis.ingress.namespace.reach == "everything"
    assert redis.ingress.cluster.reach == "nothing"


def test_half_of_the_addresses_is_the_internet_and_a_few_are_not() -> None:
    halves = "[{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}]"
    wide = f"{{podSelector: {{}}, egress: [{{to: {halves}}}]}}"
    few = "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}"
    assert (
        workload(facts_of(_REDIS + policy("p", wide)), "redis").egress.internet.reach
        == "everything"
    )
    assert workload(facts_of(_REDIS + policy("p", few)), "redis").egress.internet.reach == "nothing"


def test_ports_that_services_lead_to_are_served() -> None:
    found = facts_of(deployment("web") + service("web", 80, "8080", kind="LoadBalancer"))
    assert workload(found, "web").serves == ["8080/TCP"]
    assert workload(found, "web").published == ["8080/TCP"]


def test_pods_on_the_host_network_are_an_open_question() -> None:
    text = _REDIS.replace("spec: {containers", "spec: {hostNetwork: true, containers")
    redis = workload(facts_of(text + policy("p", _DENY)), "redis")
    assert (redis.ingress.isolation, redis.doubt) == ("unknown", "plugin")
    assert redis.ingress.because[0].pointer == "/spec/template/spec/hostNetwork"


def test_a_plugin_that_enforces_nothing_leaves_the_posture_and_takes_the_effect() -> None:
    flannel = """
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kube-flannel-ds, namespace: kube-flannel},
 spec: {template: {spec: {containers: []}}}}
"""
    found = facts_of(_REDIS + policy("p", _DENY) + flannel)
    redis = workload(found, "redis")
    assert found.plugin.enforces == "false"
    assert (redis.ingress.selected, redis.ingress.isolation) == ("true", "none")
    assert [p.state for p in found.policies] == ["not_enforced"]


@pytest.mark.parametrize(
    ("plugin", "kind", "doubt"),
    [
        ("", "NetworkPolicy.networking.k8s.io", "not_read"),
        ("", "AdminNetworkPolicy.policy.networking.k8s.io", "not_read"),
        ("", "GlobalNetworkPolicy.crd.projectcalico.org", "not_read"),
        ("", "CiliumNetworkPolicy.cilium.io", "not_read"),
        ("", "ClusterNetworkPolicy.crd.antrea.io", "not_read"),
        ("calico", "Tier.crd.projectcalico.org", "not_read"),
        ("calico", "CiliumNetworkPolicy.cilium.io", "none"),
        ("cilium", "GlobalNetworkPolicy.crd.projectcalico.org", "none"),
        ("", "Deployment.apps", "none"),
        ("", "*.networking.k8s.io", "not_read"),
        ("calico", "*.projectcalico.org", "not_read"),
        ("", "*", "not_read"),
        ("", "*.apps", "none"),
    ],
)
def test_policies_that_could_not_be_read_leave_everything_open(
    plugin: str, kind: str, doubt: str
) -> None:
    from kguard.inventory import build
    from kguard.model.findings import Assumed
    from kguard.model.manifests import Collected, Unreadable
    from tests.objects import manifests

    gap = Unreadable("cluster", reason="403", feeds=(kind,))
    collected = Collected(manifests=manifests(_REDIS), unreadable=[gap])
    assume = {"cni": Assumed(plugin, "configured", "--assume")} if plugin else {}
    found = LAYER.facts(build(collected, assume=assume), Request(scope="cluster", at=AT))
    assert isinstance(found, Facts)
    assert workload(found, "redis").doubt == doubt
    unsure = doubt != "none"
    assert [n.default_deny for n in found.namespaces] == ["unknown" if unsure else "false"]
    assert (LAYER.coverage(found).state == "unknown") == unsure


@pytest.mark.parametrize(("kind", "state"), [("Pod", "unknown"), ("Node", "no_evidence")])
def test_workloads_that_could_not_be_read_are_not_absent(kind: str, state: str) -> None:
    from kguard.inventory import build
    from kguard.model.manifests import Collected, Unreadable

    gap = Unreadable("cluster", reason="403", feeds=(kind,))
    found = LAYER.facts(build(Collected(unreadable=[gap])), Request(scope="cluster", at=AT))
    assert isinstance(found, Facts)
    assert LAYER.coverage(found).state == state


def test_defects_of_policies_are_named() -> None:
    text = _REDIS + policy(
        "p",
        "{podSelector: {matchLabels: {app: redis}}, policyTypes: [Ingress],"
        " ingress: [{from: [{podSelector: {matchLabels: {app: gone}}}], ports: [{port: web}]}],"
        " egress: [{}]}",
    )
    found = facts_of(text + policy("q", "{podSelector: {matchLabels: {app: rediss}}}")).policies
    assert [d.path for d in found[0].dangling] == ["from pods with app=gone of namespace shop"]
    assert [d.path for d in found[0].unresolved] == ["ingress port TCP web"]
    assert [d.path for d in found[0].idle] == ["egress"]
    assert (found[1].selects, found[1].near) == (0, "redis has app=redis, not rediss")


def test_a_policy_for_pods_of_another_application_is_not_dangling() -> None:
    rule = (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels:"
        " {kubernetes.io/metadata.name: other}}, podSelector: {matchLabels: {app: gone}}}]}]}"
    )
    other = deployment("there", namespace="other")
    assert facts_of(_REDIS + other + policy("p", rule)).policies[0].dangling == []
    assert len(facts_of(_REDIS + other + policy("p", rule), "cluster").policies[0].dangling) == 1


def test_hostile_manifests_never_crash() -> None:
    junk = ("7", "[1]", "{a: b}", "null", "'text'", "[null]", "[{}]", "{spec: [1]}")
    kinds = (
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("networking.k8s.io/v1", "Ingress"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("networking.istio.io/v1", "VirtualService"),
        ("v1", "Service"),
        ("serving.knative.dev/v1", "Service"),
        ("eventing.knative.dev/v1", "Trigger"),
        ("sources.knative.dev/v1", "KafkaSource"),
        ("sources.knative.dev/v1", "SinkBinding"),
        ("flows.knative.dev/v1", "Sequence"),
        ("cilium.io/v2", "CiliumNetworkPolicy"),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    )
    for version, kind in kinds:
        for value in junk:
            text = f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: x}}, spec: {value}}}"
            text += f"\n---\n{{apiVersion: {version}, kind: {kind}, metadata: {value}}}"
            found = facts_of(text + _REDIS)
            assert workload(found, "redis").ref.name == "redis"


def test_facts_do_not_depend_on_the_order_of_documents() -> None:
    text = _REDIS + deployment("web") + policy("p", _ALL) + policy("q", _DENY)
    backwards = "---".join(reversed(text.split("---")))
    assert msgspec.json.encode(facts_of(text)) == msgspec.json.encode(facts_of(backwards))


def test_no_workload_is_no_evidence() -> None:
    found = LAYER.facts(inventory(policy("p", _DENY)), Request(scope="app", at=AT))
    assert LAYER.coverage(found).state == "no_evidence"
