# SPDX-License-Identifier: Apache-2.0
"""Does a PeerAuthentication decide anything, and if not, why?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kguard.inventory import Workload
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics import peerauth, validation
from kguard.layers.mtls.semantics.peerauth import Mode, PeerAuthentication
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest

_REVISION = "/metadata" + pointer("labels", peerauth.REVISION_LABEL)
_WEAKNESS: tuple[Mode, ...] = ("disable", "permissive", "unset", "strict")
_Tie = Literal["none", "same", "differs"]
_DeadReason = Literal["none", "root_selector", "younger", "no_workload", "revision", "undiscovered"]


def policy_facts(view: View, manifest: Manifest) -> model.PeerAuthentication:
    """The facts about one PeerAuthentication."""
    policy = view.parse(manifest)
    problems = validation.problems(manifest.object)
    selected = [] if problems else _selected(view, policy)
    peers = [] if problems else _peers(view, policy, selected)
    reason, because = _dead(view, policy, peers, selected)
    tie, rivals = _tie(peers)
    return model.PeerAuthentication(
        ref=manifest.ref,
        scope=policy.scope(view.root),
        mode=policy.mode,
        state="refused" if problems else _state(view, policy, reason, tie),
        dead_reason="none" if problems else reason,
        origin="net-istio" if manifest.id in view.shipped else "user",
        namespace_written="true" if manifest.metadata.get("namespace") else "false",
        selects=len(selected),
        tie=tie,
        rivals=[f"{rival.namespace}/{rival.name}" for rival in rivals if rival.id != policy.id],
        weakest=min((rival.mode for rival in rivals), key=_WEAKNESS.index, default=policy.mode),
        dead_ports=[] if problems else list(_dead_ports(view, policy, selected)),
        problems=[problem.text for problem in problems],
        because=[Evidence(manifest.id, p.pointer, p.text) for p in problems] or because,
    )


def _peers(
    view: View, policy: PeerAuthentication, selected: Sequence[Workload]
) -> list[PeerAuthentication]:
    """Policies of the same scope that rival for the same pods, in order of precedence."""
    index = view.index(policy.revision)
    match policy.scope(view.root):
        case "mesh":
            return index.mesh
        case "namespace":
            return index.namespaces.get(policy.namespace, [])
        case "workload":
            return _overlapping(view, policy, selected)
        case _:
            return []


def _overlapping(
    view: View, policy: PeerAuthentication, selected: Sequence[Workload]
) -> list[PeerAuthentication]:
    """Workload policies that select a pod that this one selects, or the very same labels."""
    index = view.index(policy.revision)
    found = {p.id: p for p in index.selecting(policy.namespace, policy.selector)}
    for workload in selected:
        found |= {p.id: p for p in index.selecting(policy.namespace, workload.labels)}
    return sorted(found.values(), key=lambda p: p.age_key)


def _selected(view: View, policy: PeerAuthentication) -> list[Workload]:
    match policy.scope(view.root):
        case "mesh":
            return view.inventory.workloads
        case "ignored":
            return []
        case _:
            return view.selected(policy.namespace, policy.selector)


def _state(
    view: View, policy: PeerAuthentication, reason: _DeadReason, tie: _Tie
) -> Literal["decides", "dead", "unknown"]:
    if reason == "no_workload" and not _sees_workloads(view, policy):
        return "unknown"
    if reason == "younger" and tie == "differs":
        return "unknown"
    return "dead" if reason != "none" else "decides"


def _sees_workloads(view: View, policy: PeerAuthentication) -> bool:
    """Whether the input shows the workloads of the namespace, so that their absence counts."""
    here = view.inventory.workloads_by_namespace.get(policy.namespace, [])
    return bool(here) or view.request.scope == "cluster"


def _dead(
    view: View,
    policy: PeerAuthentication,
    peers: Sequence[PeerAuthentication],
    selected: Sequence[Workload],
) -> tuple[_DeadReason, list[Evidence]]:
    scope = policy.scope(view.root)
    if not view.discovered(policy.namespace):
        config = view.config
        note = (
            f"discoverySelectors leave namespace {policy.namespace} out: istiod does not look there"
        )
        return "undiscovered", [Evidence(config.ref, config.pointer, note)]
    if scope == "ignored":
        note = f"a selector in the root namespace {view.root}: Istio ignores the whole policy"
        return "root_selector", [Evidence(policy.id, "/spec/selector", note)]
    if scope == "workload" and not selected:
        return "no_workload", [_selects_nothing(view, policy)]
    if policy.revision and selected and not _served(view, policy, selected):
        note = f"no control plane of revision {policy.revision} serves these pods"
        return "revision", [Evidence(policy.id, _REVISION, note)]
    winner = _winner(view, policy, peers, selected)
    if winner is not None:
        return "younger", list(_younger(policy, winner))
    return "none", [Evidence(policy.id, "/spec", _reach(policy, scope))]


def _served(view: View, policy: PeerAuthentication, selected: Sequence[Workload]) -> bool:
    return any(view.revision(w.namespace, w.labels) == policy.revision for w in selected)


def _winner(
    view: View,
    policy: PeerAuthentication,
    peers: Sequence[PeerAuthentication],
    selected: Sequence[Workload],
) -> PeerAuthentication | None:
    """The policy that takes everything away from this one."""
    if policy.scope(view.root) != "workload":
        return None if not peers or peers[0].id == policy.id else peers[0]
    index = view.index(policy.revision)
    firsts = [index.selecting(policy.namespace, workload.labels)[0] for workload in selected]
    if any(first.id == policy.id for first in firsts):
        return None
    return firsts[0]


def _selects_nothing(view: View, policy: PeerAuthentication) -> Evidence:
    here = view.inventory.workloads_by_namespace.get(policy.namespace, [])
    place = f"namespace {policy.namespace}"
    note = f"the input has no workload in {place}"
    if here:
        note = f"none of the {len(here)} workloads of {place} has these labels on its pods"
    return Evidence(policy.id, "/spec/selector/matchLabels", note)


def _younger(policy: PeerAuthentication, winner: PeerAuthentication) -> Iterator[Evidence]:
    how = "is older"
    if winner.created == policy.created:
        how = "has the same age and comes first by name"
    if winner.created is None:
        how = "comes first by name (files have no age: whichever is applied first wins)"
    yield Evidence(winner.id, "/metadata/name", f"{winner.namespace}/{winner.name} {how}")
    yield Evidence(policy.id, "/metadata/name", "only the oldest policy of a scope counts")


def _reach(policy: PeerAuthentication, scope: str) -> str:
    if scope == "mesh":
        return "applies to the whole mesh"
    if scope == "namespace":
        return f"applies to namespace {policy.namespace} only"
    return f"applies to selected pods of namespace {policy.namespace}"


def _tie(peers: Sequence[PeerAuthentication]) -> tuple[_Tie, list[PeerAuthentication]]:
    """Rivals whose order only the moment of their creation will tell."""
    rivals = [peer for peer in peers if peer.created is None]
    if len(rivals) < _TWO or len(rivals) != len(peers):
        return "none", []
    differs = any((r.mode, r.ports) != (rivals[0].mode, rivals[0].ports) for r in rivals)
    return ("differs" if differs else "same"), rivals


_TWO = 2


def _dead_ports(
    view: View, policy: PeerAuthentication, selected: Sequence[Workload]
) -> Iterator[model.DeadPort]:
    """Entries of portLevelMtls for ports that no selected pod declares."""
    declared = {port.number for workload in selected for port in workload.ports}
    if not declared:
        return
    for number in policy.ports:
        if number in declared:
            continue
        place = pointer("spec", "portLevelMtls", number)
        because = [
            Evidence(policy.id, place, f"no container of the selected pods declares port {number}")
        ]
        services = list(_mapped(view, selected, number))
        because += services
        reason: Literal["service_port", "undeclared"] = "service_port" if services else "undeclared"
        yield model.DeadPort(str(number), reason, because)


def _mapped(view: View, selected: Sequence[Workload], number: int) -> Iterator[Evidence]:
    """Services whose port has this number but leads to another port of the pods."""
    seen = set()
    for workload in selected:
        for service in view.services_of(workload):
            for position, port in enumerate(service.ports):
                targets = service.targets(port, workload)
                key = (service.manifest.id, position)
                if port.number != number or number in targets or not targets or key in seen:
                    continue
                seen.add(key)
                leads = f"Service {service.manifest.name} leads from {number} to port {targets[0]}"
                note = f"{leads}: that is the number to write"
                yield Evidence(service.manifest.id, pointer("spec", "ports", position), note)
