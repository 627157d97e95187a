# SPDX-License-Identifier: Apache-2.0
"""Which nodes does a Falco watch?

Every Node of the input is placed as the DaemonSet controller would (`semantics.placement`). Without
Node objects only a Falco that nothing can keep away from a node is known to reach all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.running import Running, Seen
from kguard.layers.runtime.facts.workloads import Dependants, Residents
from kguard.layers.runtime.semantics.placement import Placement, node_of, place
from kguard.layers.runtime.semantics.platforms import Fit, fit
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_PLACED = ("daemonset", "operator", "values")


class _Answer(NamedTuple):
    """What one Falco is to one node."""

    falco: Falco
    placement: Placement
    fit: Fit


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
        return [_nobody(m, falcos) for m in inventory.of("Node")] if _inside(falcos) else []
    running = Running(inventory, placed)
    found = [(node_of(m.object), _node(m, placed, running)) for m in inventory.of("Node")]
    if any(fact.state != "watched" for _, fact in found):
        watched = [node for node, fact in found if fact.state == "watched"]
        dependants = Dependants(inventory, watched)
        residents = Residents(inventory)
        for node, fact in found:
            if fact.state != "watched":
                fact.only_here = dependants.of(node)
                fact.runs_here = residents.of(node)
    return [fact for _, fact in found]


def _inside(falcos: Sequence[Falco]) -> bool:
    """Whether all Falcos of the input are pods; one that runs on a host is on nodes unknown."""
    return bool(falcos) and all(falco.kind != "file" for falco in falcos)


def _nobody(manifest: Manifest, falcos: Sequence[Falco]) -> model.Node:
    """A node of a cluster whose Falcos read no system calls, or are placed like an application."""
    never = fit(manifest.object, "").state == "never"
    detail = "no Falco that reads system calls runs on every node"
    return model.Node(
        ref=manifest.ref,
        state="unwatchable" if never else "unwatched",
        obstacle="platform" if never else "no_daemonset",
        detail=detail,
        taints=[],
        installation=falcos[0].ref,
        only_here=[],
        because=[Evidence(falco.id, "", detail) for falco in falcos],
    )


def _node(
    manifest: Manifest, falcos: Sequence[Falco], running: Running | None = None
) -> model.Node:
    node = node_of(manifest.object)
    answers = [
        _Answer(falco, place(falco.pod, node), fit(manifest.object, falco.settings.engine_kind))
        for falco in falcos
    ]
    best = min(answers, key=_distance)
    taints = [model.Taint(taint.key, taint.value, taint.effect) for taint in best.placement.taints]
    state, obstacle, detail = _state(best)
    if state == "watched" and running is not None:
        here = [a.falco for a in answers if a.placement.runs and a.fit.state == "fits"]
        wrong = running.missing(here, node.name)
        if wrong is not None:
            return _idle(manifest, best.falco, wrong)
    return model.Node(
        ref=manifest.ref,
        state=state,
        obstacle=obstacle,
        detail=detail,
        taints=taints if obstacle == "taint" else [],
        installation=best.falco.ref,
        only_here=[],
        because=list(_because(manifest, best, obstacle)),
    )


def _idle(manifest: Manifest, falco: Falco, wrong: Seen) -> model.Node:
    """A node that Falco should watch, and does not."""
    because = [Evidence(manifest.id, "", wrong.detail)]
    if wrong.pod is not None:
        because = [Evidence(wrong.pod.id, "/status", wrong.detail)]
    return model.Node(
        ref=manifest.ref,
        state="unwatched",
        obstacle="not_running",
        detail=wrong.detail,
        taints=[],
        installation=falco.ref,
        only_here=[],
        because=because,
    )


def _state(answer: _Answer) -> tuple[model.NodeState, model.Obstacle, str]:
    """What a node is to the Falco that comes nearest to it."""
    if answer.fit.state == "never":
        return "unwatchable", "platform", answer.fit.detail
    if not answer.placement.runs:
        return "unwatched", answer.placement.obstacle, answer.placement.detail
    if answer.fit.state == "fits":
        return "watched", "none", ""
    return "unwatched" if answer.fit.state == "kernel" else "unknown", "kernel", answer.fit.detail


def _distance(answer: _Answer) -> tuple[bool, bool, bool]:
    """A Falco that only a taint keeps away comes nearer than one that chooses other nodes."""
    runs = answer.placement.runs
    return not runs, answer.fit.state != "fits", answer.placement.obstacle != "taint"


def _because(manifest: Manifest, answer: _Answer, obstacle: model.Obstacle) -> Iterator[Evidence]:
    falco = answer.falco
    match obstacle:
        case "none":
            return
        case "platform" | "kernel":
            yield _platform(manifest, answer)
        case "taint":
            yield from _tainted(manifest, answer)
        case _:
            fields = {"node_name": "nodeName", "node_selector": "nodeSelector"}
            where = falco.pod_pointer + pointer(fields.get(obstacle, obstacle))
            note = f"asks for {answer.placement.detail}, which the node does not have"
            yield Evidence(falco.id, where, note)
            yield Evidence(manifest.id, "", "the node", role="related")


def _platform(manifest: Manifest, answer: _Answer) -> Evidence:
    label = answer.fit.label
    place = pointer("metadata", "labels", label) if label else pointer("status", "nodeInfo")
    return Evidence(manifest.id, place, answer.fit.detail)


def _tainted(manifest: Manifest, answer: _Answer) -> Iterator[Evidence]:
    first = answer.placement.taints[0]
    keys = [strings(t).get("key") for t in sequence(manifest.spec.get("taints"))]
    where = pointer("spec", "taints", keys.index(first.key)) if first.key in keys else ""
    yield Evidence(manifest.id, where, f"the taint {first}")
    note = "no toleration for it"
    yield Evidence(answer.falco.id, _tolerations(answer.falco), note, role="related")


def _tolerations(falco: Falco) -> str:
    written = falco.workload is not None and "tolerations" in falco.pod
    return falco.pod_pointer + (pointer("tolerations") if written else "")


def reach(falco: Falco, nodes: Sequence[Manifest]) -> model.Reach:
    """Whether a Falco gets to every node."""
    if falco.kind not in _PLACED:
        return "unknown"
    if nodes:
        states = {_node(manifest, [falco]).state for manifest in nodes}
        return "some_nodes" if "unwatched" in states else "every_node"
    return "every_node" if _unstoppable(falco) else "unknown"


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
