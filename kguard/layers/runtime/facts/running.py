# SPDX-License-Identifier: Apache-2.0
"""Is there really a Falco at work on a node, as far as the input holds pods?

Where a pod should be says nothing about whether it is: an image that cannot be pulled, a driver
that does not load or rules that Falco refuses leave a pod that never gets ready. Only an input with
pods of that Falco, a cluster as it is, can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.workloads import controller
from kguard.model.manifests import Manifest, ObjectRef, mapping, sequence, strings


class Seen(NamedTuple):
    """The pod of one Falco on one node."""

    pod: Manifest | None
    ready: bool

    @property
    def detail(self) -> str:
        """What is wrong with it, in words."""
        if self.pod is None:
            return "there is no Falco pod on it now"
        return f"the Falco pod {self.pod.name} is not ready"


class Running:
    """Finds the pods of Falcos by node."""

    def __init__(self, inventory: Inventory, falcos: Sequence[Falco]) -> None:
        names = {(falco.ref.namespace, falco.ref.name): falco.ref for falco in falcos}
        self._pods: dict[ObjectRef, dict[str, Seen]] = {}
        for pod in inventory.of("Pod"):
            owner = controller(pod) or {}
            falco = names.get((pod.namespace, owner.get("name", "")))
            if falco is not None and owner.get("kind") == "DaemonSet":
                node = str(pod.spec.get("nodeName", ""))
                here = self._pods.setdefault(falco, {})
                if not (node in here and here[node].ready):
                    here[node] = Seen(pod, _is_ready(pod))

    def missing(self, falcos: Sequence[Falco], node: str) -> Seen | None:
        """What is wrong where none of these Falcos is at work on a node that they should watch."""
        found = [self._pods[falco.ref].get(node) for falco in falcos if falco.ref in self._pods]
        if len(found) < len(falcos) or any(seen is not None and seen.ready for seen in found):
            return None
        return next((seen for seen in found if seen is not None), Seen(None, ready=False))


def _is_ready(pod: Manifest) -> bool:
    conditions = sequence(mapping(pod.object.get("status")).get("conditions"))
    return any(
        strings(one).get("type") == "Ready" and strings(one).get("status") == "True"
        for one in conditions
    )
