# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.mtls.semantics.peerauth import (
    PeerAuthentication,
    index,
    parse,
    port_decision,
    workload_decision,
)


def policy(
    name: str, mode: str = "", *, namespace: str = "shop", created: str = "", **spec: Any
) -> PeerAuthentication:
    metadata: dict[str, Any] = {"name": name}
    if created:
        metadata["creationTimestamp"] = created
    if mode:
        spec["mtls"] = {"mode": mode}
    return parse(namespace, {"metadata": metadata, "spec": spec}, ref=name)


def workload_mode(*policies: PeerAuthentication, root: str = "istio-system") -> str:
    return workload_decision(index(policies, root).chain("shop", {"app": "a"})).mode


def test_without_any_policy_plaintext_is_accepted() -> None:
    assert workload_mode() == "permissive"


def test_unset_inherits_from_the_level_above() -> None:
    mesh = policy("mesh", "STRICT", namespace="istio-system")
    assert workload_mode(mesh, policy("ns", "UNSET")) == "strict"


def test_root_namespace_may_have_another_name() -> None:
    mesh = policy("mesh", "STRICT", namespace="istio-system")
    assert workload_mode(mesh, root="mesh-root") == "permissive"


def test_selector_in_the_root_namespace_decides_nothing() -> None:
    dead = policy(
        "dead", "STRICT", namespace="istio-system", selector={"matchLabels": {"app": "a"}}
    )
    found = index([dead], "istio-system")
    assert found.ignored == [dead]
    assert workload_decision(found.chain("istio-system", {"app": "a"})).mode == "permissive"


def test_empty_selector_is_the_whole_namespace() -> None:
    assert workload_mode(policy("ns", "STRICT", selector={})) == "strict"


def test_older_policy_wins_whatever_its_name() -> None:
    young = policy("a", "STRICT", created="2026-05-19T14:02:10Z")
    old = policy("z", "PERMISSIVE", created="2025-03-04T09:12:44Z")
    assert workload_mode(young, old) == "permissive"


def test_name_decides_between_equal_ages() -> None:
    assert workload_mode(policy("b", "PERMISSIVE"), policy("a", "STRICT")) == "strict"


def test_file_is_younger_than_what_the_cluster_has() -> None:
    live = policy("z", "PERMISSIVE", created="2025-03-04T09:12:44Z")
    assert workload_mode(policy("a", "STRICT"), live) == "permissive"


def test_ports_of_two_workload_policies_are_not_merged() -> None:
    selector = {"matchLabels": {"app": "a"}}
    first = policy("a", "STRICT", selector=selector, portLevelMtls={"80": {"mode": "DISABLE"}})
    second = policy("b", selector=selector, portLevelMtls={"81": {"mode": "DISABLE"}})
    chain = index([first, second], "istio-system").chain("shop", {"app": "a"})
    assert port_decision(chain, 80).mode == "disable"
    assert port_decision(chain, 80).at_port
    assert port_decision(chain, 81).mode == "strict"


def test_policy_of_another_revision_is_not_seen() -> None:
    other = parse(
        "shop",
        {
            "metadata": {"name": "x", "labels": {"istio.io/rev": "canary"}},
            "spec": {"mtls": {"mode": "STRICT"}},
        },
    )
    assert index([other], "istio-system", "stable").namespaces == {}
    assert index([other], "istio-system", "canary").namespaces == {"shop": [other]}
    assert index([other], "istio-system").namespaces == {"shop": [other]}


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"metadata": [], "spec": 3},
        {"spec": {"selector": [], "mtls": "STRICT", "portLevelMtls": [1]}},
        {"spec": {"mtls": {"mode": {}}, "portLevelMtls": {"x": 1, "99999999999": None, "٣": {}}}},
        {"metadata": {"creationTimestamp": "yesterday", "labels": [1], "name": 7}},
    ],
)
def test_junk_says_nothing(junk: dict[str, Any]) -> None:
    found = parse("shop", junk)
    assert (found.mode, found.ports, found.selector, found.created) == ("unset", {}, {}, None)
