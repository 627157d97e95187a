# SPDX-License-Identifier: Apache-2.0
"""Does a Constraint apply to what Gatekeeper applies it to?"""

from __future__ import annotations

import pytest

from kguard.engine.adopted.matching import UndecidedError, applies
from kguard.inventory import build
from kguard.model.manifests import Collected, Manifest, SourceText

OBJECTS = {
    "web": {"apiVersion": "apps/v1", "kind": "Deployment", "labels": {"a": "1"}, "ns": "shop"},
    "shop": {"apiVersion": "v1", "kind": "Namespace", "labels": {"team": "x"}},
    "role": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"},
    "far": {"apiVersion": "v1", "kind": "Service", "ns": "elsewhere"},
}


@pytest.fixture(scope="module")
def inventory():
    return build(Collected([_manifest(name, **fields) for name, fields in OBJECTS.items()]))


def _manifest(name, *, labels=None, ns="", **fields):
    metadata = {"name": name, "labels": labels or {}} | ({"namespace": ns} if ns else {})
    return Manifest({**fields, "metadata": metadata}, SourceText("f.yaml", 0, 1, ""))


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ({}, "web shop role far"),
        ({"kinds": [{"apiGroups": [""], "kinds": ["*"]}]}, "shop far"),
        ({"kinds": [{"apiGroups": ["apps"]}, {"kinds": ["Service"]}]}, "web far"),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Service"]}]}, ""),
        ({"scope": "Cluster"}, "shop role"),
        ({"scope": "Namespaced"}, "web far"),
        ({"scope": "cluster"}, "web shop role far"),
        ({"namespaces": ["shop"]}, "web shop role"),
        ({"namespaces": ["else*", "*op"]}, "web shop role far"),
        ({"namespaces": ["*sewh*"]}, "role far"),
        ({"excludedNamespaces": ["sh*"]}, "role far"),
        ({"labelSelector": {"matchLabels": {"a": "1"}}}, "web"),
        ({"labelSelector": {}}, "web shop role far"),
        ({"name": "*o*"}, "shop role"),
        ({"namespaceSelector": {"matchLabels": {"team": "x"}}}, "web shop role far?"),
        ({"namespaceSelector": {"matchLabels": {"team": "y"}}}, "role far?"),
        ({"kinds": [{"kinds": ["Deployment"]}], "namespaceSelector": {"matchLabels": {}}}, "web"),
    ],
)
def test_criteria(inventory, match, names):
    found = []
    for manifest in sorted(inventory.manifests, key=lambda m: [*OBJECTS].index(m.name)):
        try:
            found += [manifest.name] * applies(match, manifest, inventory)
        except UndecidedError:
            found.append(f"{manifest.name}?")
    assert " ".join(found) == names
