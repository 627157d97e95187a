# SPDX-License-Identifier: Apache-2.0
"""Which rule decides, and what remains open where the input leaves it open?"""

from __future__ import annotations

import pytest

from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from tests.objects import inventory

PODS = """
{kind: Namespace, apiVersion: v1, metadata: {name: a}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: b}}
---
{kind: Pod, apiVersion: v1, metadata: {name: client, namespace: a}, spec: {containers: []}}
---
{kind: Pod, apiVersion: v1, metadata: {name: server, namespace: b}, spec: {containers: []}}
"""


def _policy(name: str, priority: int, action: str, tier: str = "Admin", far: str = "{}") -> str:
    return f"""---
kind: ClusterNetworkPolicy
apiVersion: policy.networking.k8s.io/v1alpha2
metadata: {{name: {name}}}
spec:
  tier: {tier}
  priority: {priority}
  subject: {{namespaces: {{}}}}
  ingress:
  - action: {action}
    from: [{{namespaces: {far}}}]
"""


ISOLATED = """---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: closed, namespace: b}
spec: {podSelector: {}}
"""
OTHER_WAY = ISOLATED.replace("podSelector: {}", "podSelector: {}, policyTypes: [Egress]")


def _world(text: str, profile: str = "kube-network-policies") -> Cluster:
    cluster = Cluster(inventory(PODS + text), PROFILES[profile], whole=True)
    assert cluster.refused == []
    return cluster


def _opens(cluster: Cluster) -> bool | None:
    ports = cluster.reach.connection(0, 1)
    if ports.must:
        return True
    return None if ports.may else False


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        (_policy("x", 1, "Deny") + _policy("y", 2, "Accept"), False),
        (_policy("x", 2, "Deny") + _policy("y", 1, "Accept"), True),
        (_policy("x", 1, "Deny") + _policy("y", 1, "Accept"), None),
        (_policy("x", 1, "Deny") + _policy("y", 1, "Deny"), False),
        (_policy("x", 1, "Pass") + _policy("y", 1, "Deny"), None),
        (_policy("x", 1, "Pass") + _policy("y", 2, "Deny"), True),
        (_policy("x", 1, "Accept") + ISOLATED, True),
        (_policy("x", 1, "Pass") + ISOLATED, False),
        (_policy("x", 1, "Deny", "Baseline"), False),
        (_policy("x", 1, "Accept", "Baseline") + ISOLATED, False),
    ],
)
def test_the_first_rule_of_the_first_tier_decides(text: str, *, opens: bool | None) -> None:
    assert _opens(_world(text)) is opens


@pytest.mark.parametrize(
    ("profile", "opens"), [("kube-network-policies", True), ("calico", False), ("generic", None)]
)
def test_whether_a_baseline_counts_for_pods_of_other_policies_depends_on_the_plugin(
    profile: str, *, opens: bool | None
) -> None:
    assert _opens(_world(_policy("x", 1, "Deny", "Baseline") + OTHER_WAY, profile)) is opens


def test_decisions_are_named_in_order() -> None:
    far = "{matchLabels: {kubernetes.io/metadata.name: a}}"
    text = _policy("pass", 1, "Pass", far=far) + _policy("deny", 2, "Deny") + ISOLATED
    reach = _world(text).reach
    client, server = reach.classes.of_endpoint[0], reach.classes.of_endpoint[1]
    port = reach.ports.of_port("TCP", 80)
    found = [
        (reach.policies[d.policy].name, d.action, d.rule.pointer if d.rule else "", d.certain)
        for d in reach.decisions("ingress", server, client, port)
    ]
    assert found == [
        ("pass", "pass", "/spec/ingress/0", True),
        ("closed", "deny", "", True),
    ]


def test_labels_that_are_not_known_leave_a_rule_open() -> None:
    text = _policy("x", 1, "Deny", far="{matchLabels: {team: red}}")
    cluster = Cluster(
        inventory(PODS.partition("---")[2].partition("---")[2] + text),
        PROFILES["kube-network-policies"],
    )
    assert _opens(cluster) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("priority: 1", "priority: 1001"), "/spec/priority"),
        (("tier: Admin", "tier: Middle"), "/spec/tier"),
        (("action: Deny", "action: Allow"), "/spec/ingress/0/action"),
        (("from: [{namespaces: {}}]", "from: []"), "/spec/ingress/0/from"),
        (("from: [{namespaces: {}}]", "from: [{}]"), "/spec/ingress/0/from/0"),
        (("subject: {namespaces: {}}", "subject: {}"), "/spec/subject"),
        (("namespaces: {}}]", "networks: [0.0.0.0/0]}]"), "/spec/ingress/0/from/0/networks"),
    ],
)
def test_what_the_api_server_refuses_has_no_effect(change: tuple[str, str], place: str) -> None:
    text = PODS + _policy("x", 1, "Deny").replace(*change)
    cluster = Cluster(inventory(text), PROFILES["kube-network-policies"], whole=True)
    assert [policy.name for policy in cluster.refused] == ["x"]
    assert place in {problem.pointer for problem in cluster.refused[0].problems}
    assert _opens(cluster) is True
