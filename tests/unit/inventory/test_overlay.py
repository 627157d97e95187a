# SPDX-License-Identifier: Apache-2.0
"""What is there once manifests are applied on top of what was read?"""

from __future__ import annotations

from kguard.inventory import build
from kguard.model.manifests import Collected
from kguard.sources import overlaid
from tests.objects import manifests

BASE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: old}}, spec: {containers: [{name: web, image: a}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-1
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web}]
spec: {template: {metadata: {labels: {app: old}}, spec: {containers: [{name: web, image: a}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1-x
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1}]
spec: {containers: [{name: web, image: a}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1-x
  namespace: other
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1}]
spec: {containers: [{name: web, image: a}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: old}}
"""
TOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: new}}, spec: {containers: [{name: web, image: b}]}}}
"""


def applied(base: str, top: str):
    below, above = Collected(manifests=manifests(base)), Collected(manifests=manifests(top))
    return build(overlaid(below, above), namespace="shop")


def ids(inventory):
    return {manifest.id for manifest in inventory.manifests}


def test_an_object_replaces_the_one_of_its_identity_and_is_no_second_definition():
    inventory = applied(BASE, TOP)
    (deployment,) = inventory.of("Deployment", "apps")
    assert deployment.spec["template"]["metadata"]["labels"] == {"app": "new"}
    assert inventory.shadowed == []


def test_what_a_replaced_object_controls_goes_with_it():
    assert ids(applied(BASE, TOP)) == {
        "Deployment.apps/shop/web",
        "Pod/other/web-1-x",
        "Service/shop/web",
    }


def test_an_omitted_namespace_is_the_default_on_both_sides():
    inventory = applied(BASE, TOP.replace(", namespace: shop", ""))
    assert ids(inventory) == ids(applied(BASE, TOP))


def test_two_definitions_in_the_overlay_are_two():
    inventory = applied(BASE, f"{TOP}---{TOP}")
    assert [manifest.id for manifest in inventory.shadowed] == ["Deployment.apps/shop/web#2"]


def test_a_new_object_is_added():
    top = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}"
    assert ids(applied(BASE, top)) == ids(applied(BASE, "")) | {"ConfigMap/shop/a"}


def test_owners_in_a_circle_end():
    pod = """
    apiVersion: v1
    kind: Pod
    metadata:
      name: a
      namespace: shop
      ownerReferences: [{apiVersion: v1, kind: Pod, name: a}]
    """
    assert ids(applied(pod, pod)) == {"Pod/shop/a"}
