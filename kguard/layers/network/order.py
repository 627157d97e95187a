# SPDX-License-Identifier: Apache-2.0
"""Is traffic restricted more or less than before, and does it still do its work?"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kguard.model.facts.network import Admission, Egress, Facts, Flow, Ingress, Workload
from kguard.model.layer import Change, Comparison

_ISOLATION = {"none": 0, "open": 0, "unknown": 1, "partial": 2, "closed": 3}
"""From the weakest on; a policy that admits everything is worth none."""

_STATES = {
    "none": "is restricted by no policy any more",
    "open": "is restricted in name only: policies admit everyone",
    "unknown": "can no longer be judged",
    "partial": "is restricted to what rules admit",
    "closed": "is closed: no rule admits any",
}

_REACH = ("everything", "ports", "unknown", "nothing")


def compare(before: Facts, after: Facts) -> Comparison:
    """What a change does to the effect, in the partial orders of the layer."""
    weaker: list[Change] = []
    stronger: list[Change] = []
    opened: list[Change] = []
    meant = _newly_allowed(before, after)
    cut = list(_cut(before, after))
    blocked = {name for flow in after.flows for name in _ends(flow) if flow.verdict == "blocked"}
    was = {workload.ref: workload for workload in before.workloads}
    for workload in after.workloads:
        if workload.ref not in was:
            continue
        more = list(_opened(was[workload.ref], workload, meant))
        opened += more
        lost = bool(cut) and _name(workload) in blocked
        for change, better in _isolation(
            was[workload.ref], workload, meant, opened=bool(more), lost=lost
        ):
            (stronger if better else weaker).append(change)
    return Comparison(
        weaker=tuple(sorted(weaker)),
        stronger=tuple(sorted(stronger)),
        cut=tuple(sorted(cut)),
        opened=tuple(sorted(opened)),
    )


def _ends(flow: Flow) -> tuple[str, str]:
    return flow.source, flow.target


def _isolation(
    before: Workload, after: Workload, meant: set[str], *, opened: bool, lost: bool
) -> Iterator[tuple[Change, bool]]:
    """How firmly each direction is restricted, and whether that is better than before."""
    for direction in ("ingress", "egress"):
        old, new = getattr(before, direction), getattr(after, direction)
        more = _ISOLATION[new.isolation] - _ISOLATION[old.isolation]
        planned = old.isolation == "closed" and new.isolation == "partial"
        if not more or (planned and _name(after) in meant):
            continue
        word = "incoming" if direction == "ingress" else "outgoing"
        change = Change(
            str(after.ref),
            f"{word} traffic: isolation was {old.isolation}, is {new.isolation}",
            tuple(new.because),
            tuple(old.because),
            sentence=f"{word} traffic of {{}} {_STATES[new.isolation]}",
            subject=_name(after),
            implied=lost if more > 0 else opened,
        )
        yield change, more > 0


def _newly_allowed(before: Facts, after: Facts) -> set[str]:
    """Workloads with an intended flow that did not work before: rules for it open what is meant."""
    did = {_key(flow) for flow in before.flows if flow.verdict == "allowed"}
    new = [f for f in after.flows if f.verdict == "allowed" and _key(f) not in did]
    return {name for flow in new for name in (flow.source, flow.target)}


def _opened(before: Workload, after: Workload, meant: set[str]) -> Iterator[Change]:
    for old, new in ((before.ingress, after.ingress), (before.egress, after.egress)):
        wider = dict(_reached(old, new))
        for name, ports in wider.items():
            alike = [other for other in wider if wider[other] == ports]
            text = f"{_who(new, name)} reaches {_ports(ports)}"
            yield replace(
                _change(old, new, after, ports, alike), text=text, implied=name != alike[0]
            )
        if _name(after) not in meant and not (wider and new.isolation == "open"):
            for text in _admitted(old, new):
                yield _admission(old, new, after, text, wider)


def _reached(old: Ingress | Egress, new: Ingress | Egress) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Kinds of peers that reach more than before, with the ports that they reach."""
    said: set[tuple[str, ...]] = set()
    for name in ("internet", "cluster", "namespace", "metadata"):
        have, had = getattr(new, name, None), getattr(old, name, None)
        if have is None or had is None or not _wider(had, have):
            continue
        ports = tuple(have.ports)
        if name == "metadata" or (_WITHIN.get(name, ""), *ports) not in said:
            yield name, ports
        said.add((name, *ports))


_WITHIN = {"namespace": "cluster"}
"""Peers that are among others: where these reach the same ports, nothing is left to say."""
_PEERS = {
    "internet": "the internet",
    "cluster": "any pod of the cluster",
    "namespace": "any pod of its namespace",
    "metadata": "the metadata service of the cloud",
}


def _change(
    old: Ingress | Egress,
    new: Ingress | Egress,
    after: Workload,
    ports: tuple[str, ...],
    peers: list[str],
) -> Change:
    """An opening as a sentence; `text` is still to be said."""
    who = " and ".join(_PEERS[name] for name in peers)
    what = _ports(tuple(_protocol_first(port) for port in ports))
    subject = _name(after)
    sentence = (
        f"opens {what} of {{}} to {who}"
        if isinstance(new, Ingress)
        else f"lets {{}} open {what} of {who}"
    )
    evidence = tuple(new.because), tuple(old.because)
    return Change(str(after.ref), "", *evidence, sentence=sentence, subject=subject)


def _protocol_first(port: str) -> str:
    """`6379/TCP` as `TCP 6379`, the words of rules."""
    number, slash, protocol = port.partition("/")
    return f"{protocol} {number}" if slash else port


def _admission(
    old: Ingress | Egress,
    new: Ingress | Egress,
    after: Workload,
    text: str,
    wider: dict[str, tuple[str, ...]],
) -> Change:
    """A rule that admits what none admitted, implied where the whole namespace is told already."""
    who, _, ports = text.rpartition(" at ")
    sentence = (
        f"opens {ports} of {{}} to {who}"
        if isinstance(new, Ingress)
        else f"lets {{}} open {ports} of {who}"
    )
    own = who == f"every pod of namespace {after.ref.namespace}"
    return Change(
        str(after.ref),
        f"now admitted: {text}",
        tuple(new.because),
        tuple(old.because),
        sentence=sentence,
        subject=_name(after),
        implied=own and "namespace" in wider,
    )


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


def _admitted(old: Ingress | Egress, new: Ingress | Egress) -> Iterator[str]:
    """What rules of an isolated workload admit, and none admitted before."""
    if old.isolation not in ("partial", "closed") or new.isolation == "closed":
        return
    for text in sorted(set(new.admits) - set(old.admits)):
        if not any(_narrower(text, known) for known in old.admits):
            yield text


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
        word = "cuts" if later.verdict == "blocked" else "may cut"
        yield Change(
            str(flow.ref),
            text,
            tuple(later.because),
            tuple(flow.because),
            sentence=f"{word} {flow.source} off from {_protocol_first(flow.port)} of {{}}",
            subject=flow.target,
        )


def _key(flow: Flow) -> tuple[str, str, str]:
    return (flow.source, flow.target, flow.port)
