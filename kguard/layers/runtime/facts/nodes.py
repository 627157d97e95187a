# SPDX-License-Identifier: Apache-2.0
"""Which nodes does a Falco watch?

Every Node of the input is placed as the DaemonSet controller would (`semantics.placement`). Without
Node objects only a Falco that nothing can keep away from a node is known to reach all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.workloads import Dependants
from kguard.layers.runtime.semantics.placement import Node, Placement, node_of, place
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_PLACED = ("daemonset", "operator", "values")
_VIRTUAL = (
    ("type", "virtual-kubelet"),
    ("eks.amazonaws.com/compute-type", "fargate"),
    ("kubernetes.io/os", "windows"),
)


def watching(falcos: Sequence[Falco]) -> list[Falco]:
    """Those that run on every node by design and read system calls there."""
    return [
        falco
        for falco in falcos
        if falco.kind in _PLACED and falco.settings.engine_kind not in ("nodriver", "replay")
    ]


def node_facts(inventory: Inventory, falcos: Sequence[Falco]) -> list[model.Node]:
    """Every node with its state."""
    placed = watching(falcos)
    if not placed:
        return []
    found = [(node_of(m.object), _node(m, placed)) for m in inventory.of("Node")]
    if any(fact.state == "unwatched" for _, fact in found):
        watched = [node for node, fact in found if fact.state == "watched"]
        dependants = Dependants(inventory, watched)
        for node, fact in found:
            if fact.state == "unwatched":
                fact.only_here = dependants.of(node)
    return [fact for _, fact in found]


def _node(manifest: Manifest, falcos: Sequence[Falco]) -> model.Node:
    node = node_of(manifest.object)
    answers = [(place(falco.pod, node), falco) for falco in falcos]
    best, falco = min(answers, key=lambda answer: _distance(answer[0]))
    virtual = next((label for label in _VIRTUAL if node.labels.get(label[0]) == label[1]), None)
    if virtual is not None and not best.runs:
        detail = f"{virtual[0]}={virtual[1]}"
        because = [Evidence(manifest.id, pointer("metadata", "labels", virtual[0]), detail)]
        return model.Node(
            manifest.ref, "unwatchable", "platform", detail, [], falco.ref, [], because
        )
    state: model.NodeState = "watched" if best.runs else "unwatched"
    taints = [model.Taint(taint.key, taint.value, taint.effect) for taint in best.taints]
    because = list(_because(manifest, falco, best))
    return model.Node(
        manifest.ref, state, best.obstacle, best.detail, taints, falco.ref, [], because
    )


def _distance(placement: Placement) -> tuple[bool, bool]:
    """A Falco that only a taint keeps away comes nearer than one that chooses other nodes."""
    return not placement.runs, placement.obstacle != "taint"


def _because(manifest: Manifest, falco: Falco, placement: Placement) -> list[Evidence]:
    if placement.runs:
        return []
    if placement.obstacle == "taint":
        first = placement.taints[0]
        keys = [strings(t).get("key") for t in sequence(manifest.spec.get("taints"))]
        where = pointer("spec", "taints", keys.index(first.key)) if first.key in keys else ""
        return [
            Evidence(manifest.id, where, f"the taint {first}"),
            Evidence(falco.id, _tolerations(falco), "no toleration for it", role="related"),
        ]
    fields = {"node_name": "nodeName", "node_selector": "nodeSelector", "affinity": "affinity"}
    where = falco.pod_pointer + pointer(fields[placement.obstacle])
    note = f"asks for {placement.detail}, which the node does not have"
    return [Evidence(falco.id, where, note), Evidence(manifest.id, "", "the node", role="related")]


def _tolerations(falco: Falco) -> str:
    written = falco.workload is not None and "tolerations" in falco.pod
    return falco.pod_pointer + (pointer("tolerations") if written else "")


def reach(falco: Falco, nodes: Sequence[Node]) -> model.Reach:
    """Whether a Falco gets to every node."""
    if falco.kind not in _PLACED:
        return "unknown"
    if nodes:
        missed = any(not place(falco.pod, node).runs and not _excused(node) for node in nodes)
        return "some_nodes" if missed else "every_node"
    return "every_node" if _unstoppable(falco) else "unknown"


def _excused(node: Node) -> bool:
    return any(node.labels.get(key) == value for key, value in _VIRTUAL)


def _unstoppable(falco: Falco) -> bool:
    """Whether no taint and no label can keep the pods from a Linux node."""
    pod = falco.pod
    selectors = strings(pod.get("nodeSelector"))
    choosy = bool(mapping(mapping(pod.get("affinity")).get("nodeAffinity"))) or any(
        pair != ("kubernetes.io/os", "linux") for pair in selectors.items()
    )
    return not choosy and any(
        words.get("operator") == "Exists" and not words.get("key") and not words.get("effect")
        for words in map(strings, sequence(pod.get("tolerations")))
    )
