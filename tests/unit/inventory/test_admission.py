# SPDX-License-Identifier: Apache-2.0
"""Is something asked before an operation?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.inventory import build
from kguard.inventory.admission import GROUP, asked
from kguard.model.manifests import Collected, Manifest, SourceText


def found(*objects: Any, operation: str = "UPDATE", group: str = "apps",
          resource: str = "daemonsets", namespace: str = "falco") -> list[str]:  # fmt: skip
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    inventory = build(Collected(manifests=manifests))
    return [m.name for m in asked(inventory, operation, group, resource, namespace)]


def rule(operations=("UPDATE",), groups=("apps",), resources=("daemonsets",)) -> dict[str, Any]:
    return {
        "operations": [*operations],
        "apiGroups": [*groups],
        "apiVersions": ["v1"],
        "resources": [*resources],
    }


def webhook(*rules: Any, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hook"},
        "webhooks": [{"name": "a.example.com", "rules": [*rules], **more}],
    }


@pytest.mark.parametrize(
    ("rules", "is_asked"),
    [
        (rule(), True),
        (rule(operations=["*"]), True),
        (rule(operations=["DELETE"]), False),
        (rule(groups=["*"]), True),
        (rule(groups=[""]), False),
        (rule(resources=["*"]), True),
        (rule(resources=["*/*"]), True),
        (rule(resources=["deployments"]), False),
        ({"operations": 7}, False),
    ],
)
def test_rules_of_a_webhook(rules, is_asked):
    assert found(webhook(rules)) == (["hook"] if is_asked else [])


@pytest.mark.parametrize(
    ("resources", "is_asked"),
    [("*", False), ("pods", False), ("pods/exec", True), ("pods/*", True), ("*/exec", True),
     ("*/*", True)],
)  # fmt: skip
def test_a_subresource(resources, is_asked):
    hook = webhook(rule(operations=["CONNECT"], groups=[""], resources=[resources]))
    wanted = {"operation": "CONNECT", "group": "", "resource": "pods/exec"}
    assert bool(found(hook, **wanted)) is is_asked


def test_the_labels_of_the_namespace_decide():
    other = {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
    assert found(webhook(rule(), namespaceSelector=other)) == []
    same = {"matchLabels": {"kubernetes.io/metadata.name": "falco"}}
    assert found(webhook(rule(), namespaceSelector=same)) == ["hook"]
    assert found(webhook(rule(), namespaceSelector=other), namespace="") == ["hook"]
    assert found(webhook(rule(), namespaceSelector="junk")) == ["hook"]


def policy(actions: list[str]) -> list[dict[str, Any]]:
    constraints = {"resourceRules": [rule()]}
    version = f"{GROUP}/v1"
    spec = {"policyName": "p", "validationActions": actions}
    binding = "ValidatingAdmissionPolicyBinding"
    return [
        {"apiVersion": version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
         "spec": {"matchConstraints": constraints}},
        {"apiVersion": version, "kind": binding, "metadata": {"name": "b"}, "spec": spec},
    ]  # fmt: skip


def test_a_policy_without_a_binding_that_denies_asks_nothing():
    assert found(*policy(["Deny"])) == ["p"]
    assert found(*policy(["Warn", "Audit"])) == []
    assert found(policy(["Deny"])[0]) == []
    assert found(*policy(["Deny"]), operation="DELETE") == []


def kyverno(
    kind: str = "DaemonSet", *, action: str = "Enforce", **resources: Any
) -> dict[str, Any]:
    match = {"any": [{"resources": {"kinds": [kind], **resources}}]}
    rules = [{"name": "r", "match": match, "validate": {"message": "no"}}]
    spec = {"validationFailureAction": action, "rules": rules}
    metadata = {"name": "k"}
    version = "kyverno.io/v1"
    return {"apiVersion": version, "kind": "ClusterPolicy", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("object_", "is_asked"),
    [
        (kyverno(), True),
        (kyverno("apps/v1/DaemonSet"), True),
        (kyverno("*"), True),
        (kyverno("Pod"), False),
        (kyverno(action="Audit"), False),
        (kyverno(operations=["DELETE"]), False),
        (kyverno(operations=["UPDATE"]), True),
    ],
)
def test_kyverno(object_, is_asked):
    assert bool(found(object_)) is is_asked
    assert found(kyverno(), operation="DELETE") == []


def validating(kind: str = "ValidatingPolicy", *rules: Any, **spec: Any) -> dict[str, Any]:
    constraints = {"resourceRules": [*(rules or [rule()])]}
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": kind,
        "metadata": {"name": "cel"},
        "spec": {"matchConstraints": constraints, **spec},
    }


@pytest.mark.parametrize(
    ("object_", "is_asked"),
    [
        (validating(), True),
        (validating(validationActions=["Deny"]), True),
        (validating(validationActions=["Audit", "Warn"]), False),
        (validating(evaluation={"admission": {"enabled": False}}), False),
        (validating(evaluation={"admission": {"enabled": True}, "mode": "Kubernetes"}), True),
        (validating(evaluation={"mode": "JSON"}), False),
        (validating("ValidatingPolicy", rule(operations=["DELETE"])), False),
        (validating(matchConstraints=7), False),
    ],
)
def test_validating_policies_of_kyverno(object_, is_asked):
    assert found(object_) == (["cel"] if is_asked else [])


def test_a_namespaced_policy_of_kyverno_asks_in_its_namespace():
    policy = validating("NamespacedValidatingPolicy")
    policy["metadata"]["namespace"] = "falco"
    assert found(policy) == ["cel"]
    assert found(policy, namespace="shop") == []
