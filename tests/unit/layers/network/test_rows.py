# SPDX-License-Identifier: Apache-2.0
"""Do listings say what is certain, what is not, and why?"""

from __future__ import annotations

import pytest

from kguard.errors import UsageError
from kguard.layers.network.rows import Listing, listing
from kguard.layers.network.semantics.profiles import NETPOL_ANALYZER, PROFILES, named_profile
from tests.objects import inventory

_PODS = """
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {app: a}}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: y, labels: {app: b}}, spec: {}}
---
"""
_POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: y}
spec:
  podSelector: {}
  ingress:
  - from: [{namespaceSelector: {matchLabels: {team: x}}}]
    ports: [{port: 80}]
"""


def rows(text: str, profile: str = "generic") -> Listing:
    return listing(inventory(text), PROFILES[profile])


def test_labels_of_a_namespace_that_is_not_in_the_input_are_not_known() -> None:
    found = rows(_PODS + _POLICY)
    assert "x/a[Pod] => y/b[Pod] : TCP 80" not in map(str, found.rows)
    assert "x/a[Pod] => y/b[Pod] : TCP 80" in map(str, found.uncertain)


def test_labels_of_a_namespace_that_is_in_the_input_decide() -> None:
    space = "{apiVersion: v1, kind: Namespace, metadata: {name: x, labels: {team: x}}}\n---\n"
    found = rows(space + _PODS + _POLICY)
    assert "x/a[Pod] => y/b[Pod] : TCP 80" in map(str, found.rows)


def test_netpol_analyzer_takes_missing_namespaces_for_unlabelled() -> None:
    found = listing(inventory(_PODS + _POLICY), NETPOL_ANALYZER)
    assert not [row for row in found.rows if row.dst.startswith("y/b")]
    assert found.uncertain == ()


def test_policies_of_kinds_that_are_not_evaluated_leave_nothing_certain() -> None:
    other = """
---
{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: c, namespace: y}}
"""
    found = rows(_PODS + other)
    assert found.not_modelled == ("NetworkPolicy.crd.antrea.io/y/c",)
    assert "x/a[Pod] => y/b[Pod] : All Connections" in map(str, found.uncertain)
    assert not [row for row in found.rows if "y/b[Pod]" in str(row)]


def test_a_plugin_that_enforces_nothing_lets_everything_through() -> None:
    found = rows(_PODS + _POLICY, "flannel")
    assert "x/a[Pod] => y/b[Pod] : All Connections" in map(str, found.rows)


def test_a_policy_that_the_api_server_refuses_is_named() -> None:
    found = rows(_PODS + _POLICY.replace("port: 80", "port: 0"))
    assert found.refused[0].startswith("NetworkPolicy.networking.k8s.io/y/p/spec/ingress/0/ports/0")


def test_an_unknown_profile_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no profile is named `calcio`"):
        named_profile("calcio")
