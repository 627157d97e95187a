# SPDX-License-Identifier: Apache-2.0
"""Is traffic restricted more or less than before, and does it still do its work?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.model.facts.network import Admission, Egress, Facts, Flow, Ingress, Workload
from kguard.model.layer import Change, Comparison

_ISOLATION = {"none": 0, "open": 0, "unknown": 1, "partial": 2, "closed": 3}
"""From the weakest on; a policy that admits everything is worth none."""

_REACH = ("everything", "ports", "unknown", "nothing")


def compare(before: Facts, after: Facts) -> Comparison:
    """What a change does to the effect, in the partial orders of the layer."""
    weaker: list[Change] = []
    stronger: list[Change] = []
    opened: list[Change] = []
    meant = _newly_allowed(before, after)
    was = {workload.ref: workload for workload in before.workloads}
    for workload in after.workloads:
        if workload.ref not in was:
            continue
        for change, better in _isolation(was[workload.ref], workload, meant):
            (stronger if better else weaker).append(change)
        opened += _opened(was[workload.ref], workload, meant)
    return Comparison(
        weaker=tuple(sorted(weaker)),
        stronger=tuple(sorted(stronger)),
        cut=tuple(sorted(_cut(before, after))),
        opened=tuple(sorted(opened)),
    )


def _isolation(before: Workload, after: Workload, meant: set[str]) -> Iterator[tuple[Change, bool]]:
    for direction in ("ingress", "egress"):
        old = getattr(before, direction).isolation
        new = getattr(after, direction).isolation
        more = _ISOLATION[new] - _ISOLATION[old]
        if not more or (old == "closed" and new == "partial" and _name(after) in meant):
            continue
        word = "incoming" if direction == "ingress" else "outgoing"
        text = f"{word} traffic: isolation was {old}, is {new}"
        yield Change(str(after.ref), text), more > 0


def _newly_allowed(before: Facts, after: Facts) -> set[str]:
    """Workloads with an intended flow that did not work before: rules for it open what is meant."""
    did = {_key(flow) for flow in before.flows if flow.verdict == "allowed"}
    new = [f for f in after.flows if f.verdict == "allowed" and _key(f) not in did]
    return {name for flow in new for name in (flow.source, flow.target)}


def _opened(before: Workload, after: Workload, meant: set[str]) -> Iterator[Change]:
    for old, new in ((before.ingress, after.ingress), (before.egress, after.egress)):
        said: set[tuple[str, ...]] = set()
        for name in ("internet", "cluster", "namespace", "metadata"):
            have, had = getattr(new, name, None), getattr(old, name, None)
            if have is None or had is None or not _wider(had, have):
                continue
            ports = tuple(have.ports)
            if name == "metadata" or not _implied(name, ports, said):
                yield Change(str(after.ref), f"{_who(new, name)} reaches {_ports(ports)}")
            said.add((name, *ports))
        if _name(after) not in meant and not (said and new.isolation == "open"):
            yield from _admitted(old, new, after)


_WITHIN = {"namespace": "cluster"}
"""Peers that are among others: where these reach the same ports, nothing is left to say."""


def _implied(name: str, ports: tuple[str, ...], said: set[tuple[str, ...]]) -> bool:
    return (_WITHIN.get(name, ""), *ports) in said


def _ports(ports: tuple[str, ...]) -> str:
    return "every port" if ports == ("*",) else ", ".join(ports)


def _name(workload: Workload) -> str:
    return f"{workload.ref.namespace}/{workload.ref.name}"


def _wider(before: Admission, after: Admission) -> bool:
    if before.reach == "everything" or after.reach in ("nothing", "unknown"):
        return False
    return _REACH.index(after.reach) < _REACH.index(before.reach) or bool(
        set(after.ports) - set(before.ports)
    )


def _who(side: Ingress | Egress, name: str) -> str:
    if isinstance(side, Ingress):
        return {"cluster": "any pod of the cluster", "namespace": "any pod of the namespace"}.get(
            name, "the internet"
        )
    return f"it reaches the {name}: it"


def _admitted(old: Ingress | Egress, new: Ingress | Egress, after: Workload) -> Iterator[Change]:
    """Rules of an isolated workload that admit what none admitted before."""
    if old.isolation not in ("partial", "closed") or new.isolation == "closed":
        return
    for text in sorted(set(new.admits) - set(old.admits)):
        if not any(_narrower(text, known) for known in old.admits):
            yield Change(str(after.ref), f"now admitted: {text}")


def _narrower(text: str, known: str) -> bool:
    """Whether both speak of one block and port, and the earlier one leaves out less."""
    block, _, ports = text.partition(" at ")
    known_block, _, known_ports = known.partition(" at ")
    cidr, _, holes = block.partition(" except ")
    known_cidr, _, known_holes = known_block.partition(" except ")
    fewer = set(filter(None, known_holes.split(", "))) <= set(holes.split(", "))
    return (cidr, ports) == (known_cidr, known_ports) and fewer


def _cut(before: Facts, after: Facts) -> Iterator[Change]:
    now = {_key(flow): flow for flow in after.flows}
    for flow in before.flows:
        later = now.get(_key(flow))
        if flow.verdict != "allowed" or later is None or later.verdict == "allowed":
            continue
        if flow.basis == "outside" and later.verdict == "unknown":
            # Somebody wrote rules for addresses; whether the host has one of them nobody knows.
            continue
        text = f"{flow.source} to {flow.target} at {flow.port} was allowed, is {later.verdict}"
        yield Change(str(flow.ref), text, tuple(later.because))


def _key(flow: Flow) -> tuple[str, str, str]:
    return (flow.source, flow.target, flow.port)
