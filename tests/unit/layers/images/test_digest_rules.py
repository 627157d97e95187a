# SPDX-License-Identifier: Apache-2.0
"""Does the API server refuse images by tag, where a ValidatingAdmissionPolicy is bound?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics.digest_rules import demanded, rules
from kguard.layers.images.semantics.enforcement import Subject
from kguard.model.manifests import Manifest, ObjectRef, SourceText

EXPRESSION = "object.spec.containers.all(c, c.image.contains('@sha256:'))"
PODS = {"resources": ["pods"], "operations": ["CREATE"]}


def manifest(name, spec):
    found = Manifest({"spec": spec}, SourceText("", 0, 1, ""))
    found.name = found.id = name
    return found


def policy(expression=EXPRESSION, rule=PODS, **spec):
    constraints = {"resourceRules": [rule], **spec.pop("constraints", {})}
    validations = [{"expression": expression}]
    return manifest("p", {"matchConstraints": constraints, "validations": validations, **spec})


def binding(*actions, name="p", **resources):
    spec = {"policyName": name, "validationActions": list(actions)}
    return manifest("b", {**spec, "matchResources": resources} if resources else spec)


def rule_of(policies, bindings, *, known=True):
    subject = Subject("shop", {"env": "prod"}, known, {}, ObjectRef("v1", "Pod", "shop", "cart"))
    return demanded(list(rules(policies, bindings)), subject)[0]


PROD = {"matchLabels": {"env": "prod"}}
TEST = {"matchLabels": {"env": "test"}}


@pytest.mark.parametrize(
    ("policies", "bindings", "expected"),
    [
        ([policy()], [binding("Deny")], "enforced"),
        ([policy()], [binding("Deny", "Audit")], "enforced"),
        ([policy(failurePolicy="Ignore")], [binding("Deny")], "fail_open"),
        ([policy()], [binding("Warn", "Audit")], "warn_only"),
        ([policy()], [binding("Audit")], "audit_only"),
        ([policy()], [], "none"),
        ([policy()], [binding("Deny", name="other")], "none"),
        ([policy("object.spec.replicas < 5")], [binding("Deny")], "none"),
        ([policy(rule={**PODS, "resources": ["services"]})], [binding("Deny")], "none"),
        ([policy(rule={**PODS, "operations": ["DELETE"]})], [binding("Deny")], "none"),
        ([policy()], [binding("Deny", namespaceSelector=PROD)], "enforced"),
        ([policy()], [binding("Deny", namespaceSelector=TEST)], "none"),
        ([policy(constraints={"namespaceSelector": TEST})], [binding("Deny")], "none"),
        ([policy(matchConditions=[{"name": "x"}])], [binding("Deny")], "unknown"),
        ([policy()], [binding("Audit"), binding("Deny")], "enforced"),
    ],
)
def test_rules(policies, bindings, expected):
    assert rule_of(policies, bindings) == expected


def test_unknown_labels_decide_nothing():
    assert rule_of([policy()], [binding("Deny", namespaceSelector=TEST)], known=False) == "unknown"
