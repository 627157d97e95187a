# SPDX-License-Identifier: Apache-2.0
"""How is a workload closed for everyone but its intended callers?

A new policy isolates the pods and admits what settings, routes, gateways, Knative and the cluster
need. Rules that admit everyone are taken out of existing policies. Where a Service has no
known caller, nothing tells whom closing it would cut off: the remedy refuses, unless asked to
tighten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.layers.network.intent import Flow
from kguard.layers.network.remedy.groups import Wanted, given_labels, policies
from kguard.layers.network.remedy.peers import network_policy, rules
from kguard.layers.network.remedy.scene import Scene
from kguard.layers.network.semantics.policy import Direction, PodPolicy, Rule
from kguard.model.remedies import Create, Edit, Operation, Proposal, Refused, RemedyRequest


def isolate_ingress(request: RemedyRequest) -> Iterator[Proposal]:
    """Close workloads for everyone but their intended callers."""
    scene = Scene(request)
    wanted: list[Wanted] = []
    edits: dict[str, tuple[PodPolicy, list[Rule], list[str]]] = {}
    for index, closes in scene.by_workload(request.findings).items():
        refusal = unknown_callers(scene, index, closes)
        if refusal is not None:
            yield refusal
            continue
        callers = _callers(scene, index, tuple(closes))
        if callers.rules or not _denied(scene, index):
            wanted.append(callers)
        for policy, rule in wide_rules(scene, "ingress", index):
            entry = edits.setdefault(policy.id, (policy, [], []))
            entry[1].append(rule)
            entry[2].extend(closes)
    yield from given_labels(scene, ends(scene, "ingress", wanted))
    yield from policies(scene, "ingress", wanted)
    for policy, wide, closes in edits.values():
        yield from without_rules(scene, policy, wide, closes)


def ends(scene: Scene, direction: str, wanted: Sequence[Wanted]) -> dict[int, set[str]]:
    """The workloads that rules name, with the findings that depend on it."""
    found: dict[int, set[str]] = {}
    for entry in wanted:
        own = direction == "ingress"
        near = scene.into(entry.index) if own else scene.out_of(entry.index)
        for number in (entry.index, *((f.source if own else f.target).index for f in near)):
            if number >= 0:
                found.setdefault(number, set()).update(entry.closes)
    return found


def unknown_callers(scene: Scene, index: int, closes: Sequence[str]) -> Refused | None:
    """A refusal where a Service has callers that the input does not show."""
    workload = scene.workloads[index]
    flows = scene.into(index)
    unplaced = [flow for flow in flows if flow.source.kind == "somewhere"]
    for flow in unplaced:
        if flow.basis in ("metrics", "knative") and not flow.source.candidates:
            return Refused(
                findings=tuple(closes),
                reason=f"{workload.name} needs {flow.source.name}, whose place is not known",
                counterexample=f"{flow.source.name} > {workload.name}:{flow.port}",
            )
    if flows or scene.request.tighten or not scene.has_service(index):
        return None
    return Refused(
        findings=tuple(closes),
        reason=(
            f"a Service leads to {workload.name}, but nothing in the input tells who calls it;"
            " --tighten closes it all the same"
        ),
        counterexample=f"any caller of Service {_service_name(scene, index)} would be cut off",
    )


def _service_name(scene: Scene, index: int) -> str:
    found = next(s for s in scene.services if index in s.workloads)
    return f"{found.manifest.namespace}/{found.manifest.name}"


def _denied(scene: Scene, index: int) -> bool:
    """Whether a default for the namespace, made in this run, closes what nobody calls."""
    namespace = scene.workloads[index].namespace
    asked = (f for f in scene.request.open if f.remedy == "namespace_deny")
    wanted = next((f for f in asked if f.target.name == namespace), None)
    return wanted is not None and _open_services(scene, namespace, wanted.fingerprint) is None


def _callers(scene: Scene, index: int, closes: tuple[str, ...]) -> Wanted:
    """Who may open a workload, and everything else that its labels select."""
    flows = _shared(scene, index, scene.labels.of(index))
    admitted = rules(flows, "from", scene.workloads[index].namespace, scene.labels)
    names = sorted({flow.source.name for flow in flows if flow.source.kind != "node"})
    return Wanted(index, admitted, closes, tuple(names))


def _shared(scene: Scene, index: int, labels: dict[str, str]) -> list[Flow]:
    """The flows to every workload that the labels select."""
    namespace = scene.workloads[index].namespace
    selected = {
        number
        for number, other in enumerate(scene.workloads)
        if other.namespace == namespace and labels.items() <= other.labels.items()
    }
    return [flow for flow in scene.flows if flow.target.index in selected | {index}]


def wide_rules(scene: Scene, direction: Direction, index: int) -> list[tuple[PodPolicy, Rule]]:
    """The rules of existing policies that admit everyone, or the internet, for a workload."""
    openness = scene.openness
    reach = openness.cluster.reach
    number = reach.classes.of_endpoint[index]
    tests = [openness.internet(direction)]
    if direction == "ingress":
        tests.append(openness.stranger())
    found = {
        (policy, rule.pointer): rule
        for test in tests
        for policy, rule in reach.naming(direction, number, test)
    }
    return [(reach.policies[policy], rule) for (policy, _), rule in sorted(found.items())]


def without_rules(
    scene: Scene, policy: PodPolicy, wide: Sequence[Rule], closes: Sequence[str]
) -> Iterator[Proposal]:
    """Take rules out of a policy; where a rule also names peers, only its wide peers."""
    places: set[str] = set()
    for rule in wide:
        direction: Direction = "ingress" if rule.pointer.startswith("/spec/ingress") else "egress"
        peers = [p.pointer for p in rule.peers if _is_wide(scene, direction, p.pointer, policy)]
        places.update(peers if 0 < len(peers) < len(rule.peers) else [rule.pointer])
    operations = [Operation("remove", place) for place in sorted(places, key=_order, reverse=True)]
    if operations:
        why = f"NetworkPolicy {policy.name} admits everyone"
        yield Edit(policy.id, tuple(operations), tuple(sorted(set(closes))), why)


def _is_wide(scene: Scene, direction: Direction, place: str, policy: PodPolicy) -> bool:
    openness = scene.openness
    reach = openness.cluster.reach
    for rule in policy.rules(direction):
        for peer in rule.peers:
            if peer.pointer == place:
                mask = reach.peer(direction, peer, policy.namespace).may
                return openness.internet(direction)(mask) or openness.stranger()(mask)
    return False


def _order(place: str) -> list[int]:
    return [int(token) for token in place.split("/") if token.isdigit()]


def namespace_deny(request: RemedyRequest) -> Iterator[Proposal]:
    """Isolate every pod of a namespace, also a future one."""
    scene = Scene(request)
    for finding in request.findings:
        namespace = finding.target.name
        refusal = _open_services(scene, namespace, finding.fingerprint)
        if refusal is not None:
            yield refusal
            continue
        name = scene.name(namespace, "default-deny-ingress")
        yield Create(
            object=network_policy(name, namespace, {}, {"policyTypes": ["Ingress"]}),
            closes=(finding.fingerprint,),
            why=f"every pod of namespace {namespace} is isolated unless a policy admits a caller",
        )


def _open_services(scene: Scene, namespace: str, closes: str) -> Refused | None:
    """A refusal where a default would cut off callers that the input does not show."""
    reach = scene.openness.cluster.reach
    for index, workload in enumerate(scene.workloads):
        if workload.namespace != namespace or reach.row_of("ingress", index).isolated:
            continue
        refusal = unknown_callers(scene, index, (closes,))
        if refusal is not None:
            return refusal
    return None
