# SPDX-License-Identifier: Apache-2.0
"""Which workloads run where Falco does not look?

Pods of a RuntimeClass with a kernel of its own (gVisor, Kata Containers) make no system calls on
the node; pods that fit no watched node run on an unwatched one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.runtime.semantics.placement import Node, admits
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping, sequence, strings

SHOWN = 10
"""Workloads that are named for a node."""

_SANDBOX = re.compile(r"runsc|gvisor|kata(?:-.*)?|firecracker|.*-kata", re.IGNORECASE)
_CHOICES = ("nodeName", "nodeSelector", "affinity", "tolerations")


def blind_spots(inventory: Inventory) -> Iterator[model.BlindSpot]:
    """Every workload in a sandbox."""
    handlers = {
        manifest.name: manifest.object.get("handler")
        for manifest in inventory.of("RuntimeClass", "node.k8s.io")
    }
    for workload in inventory.workloads:
        name = workload.pod.get("runtimeClassName")
        if not isinstance(name, str) or not name:
            continue
        handler = handlers.get(name)
        known = handler if isinstance(handler, str) else ""
        if _SANDBOX.fullmatch(known or name):
            yield _blind_spot(workload, name, known)


def _blind_spot(workload: Workload, name: str, handler: str) -> model.BlindSpot:
    place = workload.pod_pointer + pointer("runtimeClassName")
    note = f"pods of the RuntimeClass {name} have a kernel of their own"
    because = [Evidence(workload.id, place, note)]
    return model.BlindSpot(workload.ref, name, handler, because)


def as_admitted(inventory: Inventory, workload: Workload) -> JsonObject:
    """The pod spec with what the scheduling of its RuntimeClass adds to it.

    Authority: kubernetes plugin/pkg/admission/runtimeclass/admission.go.
    """
    name = workload.pod.get("runtimeClassName")
    found = inventory.find("RuntimeClass", "node.k8s.io", "", name if isinstance(name, str) else "")
    scheduling = mapping(found.object.get("scheduling")) if found else {}
    if not scheduling:
        return workload.pod
    own = workload.pod
    chosen = {**strings(own.get("nodeSelector")), **strings(scheduling.get("nodeSelector"))}
    tolerations = [*sequence(own.get("tolerations")), *sequence(scheduling.get("tolerations"))]
    return {**own, "nodeSelector": chosen, "tolerations": tolerations}


class Residents:
    """Finds the workloads whose pods are on a node now, as far as the input holds pods.

    Pods of DaemonSets and of the node itself are left out: nobody chose this node for them.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._on: dict[str, set[str]] = {}
        for pod in inventory.of("Pod"):
            node = pod.spec.get("nodeName")
            phase = strings(pod.object.get("status")).get("phase", "")
            if isinstance(node, str) and phase not in _FINISHED:
                owner = self._owner(pod)
                if owner.kind not in _OF_THE_NODE:
                    self._on.setdefault(node, set()).add(f"{owner.namespace}/{owner.name}")

    def of(self, node: Node) -> list[str]:
        """The first few workloads by name (`namespace/name`)."""
        return sorted(self._on.get(node.name, ()))[:SHOWN]

    def _owner(self, pod: Manifest) -> ObjectRef:
        """The object at the top of what controls a pod; a Knative Service for its pods."""
        found: Manifest | None = pod
        top = pod.ref
        for _ in range(_OWNERS):
            if found is None:
                break
            owner = controller(found)
            if owner is None:
                break
            group = owner.get("apiVersion", "").rpartition("/")[0]
            kind, name = owner.get("kind", ""), owner.get("name", "")
            top = ObjectRef(owner.get("apiVersion", ""), kind, pod.namespace, name)
            found = self._inventory.find(kind, group, pod.namespace, name)
        return top


_FINISHED = ("Succeeded", "Failed")
_OF_THE_NODE = ("DaemonSet", "Node")
_OWNERS = 10
"""Owners above one another that are followed."""


def controller(manifest: Manifest) -> dict[str, str] | None:
    """The owner that controls an object, if one does."""
    for owner in sequence(manifest.metadata.get("ownerReferences")):
        if mapping(owner).get("controller") is True:
            return strings(owner)
    return None


class Dependants:
    """Finds the workloads that can only run on nodes which nobody watches."""

    def __init__(self, inventory: Inventory, watched: Sequence[Node]) -> None:
        self._groups: dict[bytes, list[Workload]] = {}
        self._pods: dict[bytes, JsonObject] = {}
        for workload in inventory.workloads:
            if workload.manifest.kind != "DaemonSet":
                pod = as_admitted(inventory, workload)
                key = msgspec.json.encode([pod.get(choice) for choice in _CHOICES])
                self._pods.setdefault(key, pod)
                self._groups.setdefault(key, []).append(workload)
        for key in list(self._groups):
            if any(admits(self._pods[key], node) for node in watched):
                del self._groups[key]

    def of(self, node: Node) -> list[str]:
        """The workloads that may run on this node and on no watched one."""
        found = (
            f"{workload.namespace}/{workload.name}"
            for key, workloads in self._groups.items()
            if admits(self._pods[key], node)
            for workload in workloads
        )
        return sorted(found)[:SHOWN]
