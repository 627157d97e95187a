# SPDX-License-Identifier: Apache-2.0
"""Is a rule or policy called redundant only where it is, whatever pods there are?"""

from __future__ import annotations

import pytest

from kguard.inventory.selectors import parse_selector
from kguard.layers.network.facts.cover import Redundancy, selector_covers
from kguard.layers.network.semantics.networkpolicy import parse
from kguard.layers.network.semantics.policy import PodPolicy
from tests.objects import inventory

_FROM = "{from: [{ipBlock: "
_WITH_HOLE = _FROM + "{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}"
_OWN = "{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: x}}}]}"


def policies(*specs: str) -> list[PodPolicy]:
    text = "\n---\n".join(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,"
        f" metadata: {{name: p{number}, namespace: x}}, spec: {spec}}}"
        for number, spec in enumerate(specs)
    )
    found = inventory(text).of("NetworkPolicy", "networking.k8s.io")
    return [parse(manifest) for manifest in found]


def redundant(*specs: str) -> list[str]:
    found = policies(*specs)
    whole = Redundancy(found).whole
    return [policy.name for policy in found if policy.id in whole]


def repeated(*specs: str) -> list[str]:
    found = policies(*specs)
    parts = Redundancy(found).parts
    return [
        f"{policy.name}{covered.rule.pointer.removeprefix('/spec')}"
        for policy in found
        for covered in parts.get(policy.id, [])
    ]


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ({}, {"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1"}}, {}, False),
        ({"matchLabels": {"a": "1"}}, {"matchLabels": {"a": "1", "b": "2"}}, True),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
            {"matchLabels": {"a": "1"}},
            True,
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["2"]}]},
            {"matchLabels": {"a": "1"}},
            True,
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]},
            {"matchLabels": {"a": "1"}},
            False,
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]},
            {"matchLabels": {"a": "2"}},
            True,
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]},
            {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]},
            True,
        ),
    ],
)
def test_selectors(wide, narrow, covers):
    assert selector_covers(parse_selector(wide), parse_selector(narrow)) is covers


def test_of_two_policies_alike_the_first_stays():
    deny = "{podSelector: {}, policyTypes: [Ingress]}"
    assert redundant(deny, deny) == ["p1"]


def test_a_wider_policy_does_not_isolate_the_other_direction():
    both = "{podSelector: {matchLabels: {a: b}}, policyTypes: [Ingress, Egress]}"
    assert redundant("{podSelector: {}, policyTypes: [Ingress]}", both) == []


def test_narrower_selectors_cover_nothing():
    narrow = "{podSelector: {matchLabels: {a: b}}, policyTypes: [Ingress]}"
    assert redundant(narrow, "{podSelector: {}, policyTypes: [Ingress]}") == ["p0"]


@pytest.mark.parametrize(
    ("rules", "void"),
    [
        ("[{ports: [{port: 80}]}, {}]", ["p0/ingress/0"]),
        ("[{ports: [{port: 80}]}, {ports: [{port: 79, endPort: 81}]}]", ["p0/ingress/0"]),
        ("[{ports: [{port: 80}]}, {ports: [{port: 80, protocol: UDP}]}]", []),
        ("[{ports: [{port: http}]}, {ports: [{port: 80}]}]", []),
        ("[{ports: [{port: http}]}, {ports: [{protocol: TCP}]}]", ["p0/ingress/0"]),
        (
            "[{from: [{ipBlock: {cidr: 10.0.0.0/9}}]}, {from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]",
            ["p0/ingress/0"],
        ),
        (
            f"[{_FROM}{{cidr: 10.0.0.0/9}}}}]}}, {_WITH_HOLE}]",
            [],
        ),
        (
            f"[{{from: [{{podSelector: {{matchLabels: {{a: b}}}}}}]}}, {_OWN}]",
            ["p0/ingress/0"],
        ),
        ("[{}, {}]", ["p0/ingress/1"]),
    ],
)
def test_rules(rules, void):
    assert repeated(f"{{podSelector: {{}}, ingress: {rules}}}") == void
