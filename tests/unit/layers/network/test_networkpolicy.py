# SPDX-License-Identifier: Apache-2.0
"""Are NetworkPolicies read with the API server's defaults and refusals?"""

from __future__ import annotations

import pytest

from kguard.layers.network.semantics.networkpolicy import parse
from kguard.layers.network.semantics.policy import PodPolicy
from tests.objects import inventory

_HEAD = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec:
"""


def read(spec: str) -> PodPolicy:
    text = _HEAD + "".join(f"  {line}\n" for line in spec.strip().splitlines())
    return parse(inventory(text).of("NetworkPolicy", "networking.k8s.io")[0])


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        ("podSelector: {}", ("ingress",)),
        ("podSelector: {}\negress: []", ("ingress",)),
        ("podSelector: {}\negress: [{}]", ("ingress", "egress")),
        ("podSelector: {}\npolicyTypes: []\negress: [{}]", ("ingress", "egress")),
        ("podSelector: {}\npolicyTypes: [Egress]\ningress: [{}]", ("egress",)),
    ],
)
def test_directions(spec: str, directions: tuple[str, ...]) -> None:
    assert read(spec).directions == directions


def test_rules_of_a_direction_that_is_not_restricted_are_not_in_force() -> None:
    policy = read("podSelector: {}\npolicyTypes: [Egress]\ningress: [{}]")
    assert policy.rules("ingress") == ()
    assert [rule.pointer for rule in policy.written("ingress")] == ["/spec/ingress/0"]


def test_a_null_rule_admits_everything() -> None:
    assert read("podSelector: {}\ningress: [null]").ingress[0].admits_all


def test_whole_floats_are_ports() -> None:
    policy = read("podSelector: {}\ningress: [{ports: [{port: 80.0}]}]")
    assert policy.problems == ()
    assert policy.ingress[0].ports[0].low == 80


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ("podSelector: {}\npodselector: {}", "/spec/podselector"),
        ("ingress: [{from: [{}]}]", "/spec/ingress/0/from/0"),
        ("ingress: [{to: []}]", "/spec/ingress/0/to"),
        ("ingress: {}", "/spec/ingress"),
        ("ingress: [{ports: [{port: 0}]}]", "/spec/ingress/0/ports/0/port"),
        ("ingress: [{ports: [{port: true}]}]", "/spec/ingress/0/ports/0/port"),
        ("ingress: [{ports: [{port: http, endPort: 9}]}]", "/spec/ingress/0/ports/0/endPort"),
        ("ingress: [{ports: [{endPort: 9}]}]", "/spec/ingress/0/ports/0/endPort"),
        ("ingress: [{ports: [{protocol: tcp}]}]", "/spec/ingress/0/ports/0/protocol"),
        ("policyTypes: [Ingres]", "/spec/policyTypes/0"),
        ("podSelector: {matchLabels: {app: 1}}", "/spec/podSelector"),
        ("ingress: [{from: [{ipBlock: {cidr: 1}}]}]", "/spec/ingress/0/from/0/ipBlock"),
        (
            "ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]",
            "/spec/ingress/0/from/0",
        ),
    ],
)
def test_refusals_name_their_place(spec: str, pointer: str) -> None:
    assert pointer in [problem.pointer for problem in read(spec).problems]


def test_hostile_shapes_are_refused_and_never_crash() -> None:
    for value in ("7", "'text'", "[1]", "true"):
        assert read(f"podSelector: {value}").problems
        assert read(f"ingress: [{{from: {value}}}]").problems
        assert read(f"ingress: [{value}]").problems
        assert read(f"egress: [{{ports: [{value}]}}]").problems
