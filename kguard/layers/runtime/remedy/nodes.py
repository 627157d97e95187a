# SPDX-License-Identifier: Apache-2.0
"""Which tolerations bring Falco to the nodes that it misses?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.falco import Falco
from kguard.model.facts.runtime import Facts, Node, Taint
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, PlainDocument, mapping, sequence
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest

Toleration = dict[str, str]


def tolerate_taints(request: RemedyRequest) -> Iterator[Proposal]:
    """Tolerate exactly the taints that keep Falco away."""
    facts: Facts = request.facts
    nodes = {node.ref: node for node in facts.nodes if node.state == "unwatched"}
    found = [(f, nodes[f.target]) for f in request.findings if f.target in nodes]
    for finding, node in found:
        if node.obstacle != "taint":
            yield _cannot(finding, node)
    for falco in {falco.ref: falco for falco in discover(request.inventory)}.values():
        mine = [(f, n) for f, n in found if n.installation == falco.ref and n.obstacle == "taint"]
        if mine:
            yield _edit(request, falco, mine)


def _cannot(finding: Finding, node: Node) -> Cannot:
    closes = (finding.fingerprint,)
    match node.obstacle:
        case "kernel":
            hint = "bring the node to a newer kernel, or choose `engine.kind: kmod` for it"
            return Cannot(closes, f"{node.ref.name}: {node.detail}", hint)
        case "not_running":
            hint = "the pod's events and its log say why: `kubectl describe pod`, `kubectl logs`"
            return Cannot(closes, f"{node.ref.name}: {node.detail}", hint)
        case "no_daemonset":
            return Cannot(closes, node.detail, "install Falco as a DaemonSet with a driver")
        case _:
            reason = f"{node.installation.name} leaves out {node.ref.name} by choice: {node.detail}"
            return Cannot(closes, reason, "widen its selector or affinity")


def _edit(request: RemedyRequest, falco: Falco, found: list[tuple[Finding, Node]]) -> Proposal:
    closes = tuple(finding.fingerprint for finding, _ in found)
    names = ", ".join(sorted(node.ref.name for _, node in found))
    taints = {(t.key, t.value, t.effect): t for _, node in found for t in node.taints}
    new = [_toleration(taints[key]) for key in sorted(taints)]
    manifest = request.inventory.by_id(falco.id)
    if falco.kind == "values" and isinstance(manifest, PlainDocument):
        everything = [*sequence(falco.pod.get("tolerations")), *new]
        op: Literal["replace", "add"] = "add"
        if "tolerations" in mapping(manifest.value):
            op = "replace"
        operation = Operation(op, "/tolerations", everything)
        return Edit(falco.id, (operation,), closes, f"tolerate the taints of {names}")
    if not isinstance(manifest, Manifest):
        return Cannot(closes, "the object that runs Falco is not in the input", "")
    operations = tuple(_operations(manifest, falco, new))
    return Edit(falco.id, operations, closes, f"tolerate the taints of {names}")


def _toleration(taint: Taint) -> Toleration:
    if not taint.value:
        return {"key": taint.key, "operator": "Exists", "effect": taint.effect}
    return {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}


def _operations(manifest: Manifest, falco: Falco, new: list[Toleration]) -> Iterator[Operation]:
    """Additions to the list, or the list with every object that is missing around it."""
    if falco.kind == "operator":
        yield from _in_custom_resource(manifest, falco, new)
        return
    place = falco.pod_pointer + pointer("tolerations")
    written = falco.pod.get("tolerations")
    if isinstance(written, list) and written:
        for number, toleration in enumerate(new, len(written)):
            yield Operation("add", f"{place}/{number}", toleration)
    elif "tolerations" in falco.pod:
        yield Operation("replace", place, new)
    else:
        yield Operation("add", place, new)


def _in_custom_resource(
    manifest: Manifest, falco: Falco, new: list[Toleration]
) -> Iterator[Operation]:
    """In the operator's object, tolerations that are written replace its own defaults."""
    everything = [*sequence(falco.pod.get("tolerations")), *new]
    template = mapping(manifest.spec.get("podTemplateSpec"))
    pod = mapping(template.get("spec"))
    if "tolerations" in pod:
        place = "/spec/podTemplateSpec/spec/tolerations"
        yield Operation("replace", place, everything)
    elif pod:
        yield Operation("add", "/spec/podTemplateSpec/spec/tolerations", everything)
    elif template:
        yield Operation("add", "/spec/podTemplateSpec/spec", {"tolerations": everything})
    else:
        value = {"spec": {"tolerations": everything}}
        yield Operation("add", "/spec/podTemplateSpec", value)
