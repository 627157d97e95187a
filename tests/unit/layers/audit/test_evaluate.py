# SPDX-License-Identifier: Apache-2.0
"""Does the evaluator decide as the API server does?"""

from __future__ import annotations

import pytest

from kguard.layers.audit.semantics.evaluate import Attributes, evaluate
from kguard.layers.audit.semantics.policy import GroupResources, Policy, Rule


def _level(rule: Rule, **request) -> str:
    fields = {"user": "jane", "groups": ("system:authenticated",), "resource": "pods", **request}
    return evaluate(Policy(rules=(rule,)), Attributes(**fields)).level


@pytest.mark.parametrize(
    ("spec", "resource", "subresource", "hit"),
    [
        ("pods", "pods", "", True),
        ("pods", "pods", "exec", False),
        ("pods/exec", "pods", "exec", True),
        ("pods/*", "pods", "exec", True),
        ("pods/*", "pods", "", True),
        ("*", "pods", "exec", True),
        ("*/exec", "pods", "exec", True),
        ("*/exec", "pods", "", False),
        ("*/*", "pods", "exec", False),
        ("pod", "pods", "", False),
    ],
)
def test_resource_patterns(spec: str, resource: str, subresource: str, hit: bool) -> None:
    rule = Rule(level="Request", resources=(GroupResources(resources=(spec,)),))
    level = _level(rule, resource=resource, subresource=subresource)
    assert level == ("Request" if hit else "None")


def test_stars_are_literal_for_users_groups_verbs_and_namespaces() -> None:
    for rule in (
        Rule(level="Request", users=("*",)),
        Rule(level="Request", user_groups=("*",)),
        Rule(level="Request", verbs=("*",)),
        Rule(level="Request", namespaces=("*",)),
    ):
        assert _level(rule, verb="get", namespace="shop") == "None"


def test_nobody_is_in_no_group() -> None:
    rule = Rule(level="Request", user_groups=("system:unauthenticated",))
    assert _level(rule, user=None, groups=("system:unauthenticated",)) == "None"


def test_names_do_not_match_a_create() -> None:
    entry = GroupResources(resources=("configmaps",), resource_names=("leader",))
    rule = Rule(level="Request", resources=(entry,))
    assert _level(rule, verb="create", resource="configmaps", name="") == "None"
    assert _level(rule, verb="get", resource="configmaps", name="leader") == "Request"


def test_the_first_matching_rule_decides_and_stages_add_up() -> None:
    rules = (
        Rule(level="Metadata", verbs=("get",), omit_stages=("RequestReceived",)),
        Rule(level="RequestResponse"),
    )
    policy = Policy(rules=rules, omit_stages=("Panic",), omit_managed_fields=True)
    decision = evaluate(policy, Attributes(user="jane", verb="get", resource="pods"))
    assert (decision.rule, decision.level) == (0, "Metadata")
    assert decision.omit_stages == ("Panic", "RequestReceived")
    assert decision.omit_managed_fields


def test_a_rule_about_resources_never_matches_a_path() -> None:
    request = {"resource_request": False, "path": "/healthz", "resource": ""}
    assert _level(Rule(level="Request", namespaces=("",)), **request) == "None"
    assert _level(Rule(level="Request", non_resource_urls=("/health*",)), **request) == "Request"
    assert _level(Rule(level="Request", non_resource_urls=("/healthz/",)), **request) == "None"
