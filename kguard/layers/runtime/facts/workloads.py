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


class Dependants:
    """Finds the workloads that can only run on nodes which nobody watches."""

    def __init__(self, inventory: Inventory, watched: Sequence[Node]) -> None:
        self._groups: dict[bytes, list[Workload]] = {}
        for workload in inventory.workloads:
            if workload.manifest.kind != "DaemonSet":
                key = msgspec.json.encode([workload.pod.get(choice) for choice in _CHOICES])
                self._groups.setdefault(key, []).append(workload)
        for key, (first, *_) in list(self._groups.items()):
            if any(admits(first.pod, node) for node in watched):
                del self._groups[key]

    def of(self, node: Node) -> list[str]:
        """The workloads that may run on this node and on no watched one."""
        found = (
            f"{workload.namespace}/{workload.name}"
            for workloads in self._groups.values()
            if admits(workloads[0].pod, node)
            for workload in workloads
        )
        return sorted(found)[:SHOWN]
