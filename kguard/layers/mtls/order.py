# SPDX-License-Identifier: Apache-2.0
"""Is a later facts document weaker or stronger than an earlier one?

The order of effects: mutual TLS is enforced > it is offered > it is off, bypassed, or there is no
proxy. What is unknown is weaker than what is enforced, and not comparable with the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import Edge, Effective, Facts
from kguard.model.layer import Change, Comparison
from kguard.model.manifests import ObjectRef

_STRENGTH: dict[Effective, int] = {
    "strict": 3,
    "gateway": 2,
    "permissive": 2,
    "user_tls": 1,
    "disable": 0,
    "uncaptured": 0,
    "not_enrolled": 0,
}
_WORDS: dict[Effective, str] = {
    "strict": "accepts mutual TLS only",
    "permissive": "accepts plaintext as well as mutual TLS",
    "disable": "accepts plaintext only",
    "user_tls": "accepts TLS without mesh identity",
    "gateway": "is decided by the servers of its Gateway",
    "uncaptured": "is not seen by its proxy",
    "not_enrolled": "has no proxy",
    "unknown": "cannot be judged",
}
_NOW: dict[Effective, str] = {
    "strict": "accepts mutual TLS only",
    "permissive": "accepts plaintext, too",
    "disable": "accepts plaintext only",
    "user_tls": "accepts TLS without mesh identity",
    "gateway": "is left to the servers of its Gateway",
    "uncaptured": "is not seen by its proxy: it accepts plaintext",
    "not_enrolled": "has no proxy: it accepts plaintext",
    "unknown": "can no longer be judged",
}
_LINKERD: dict[str, Effective] = {
    "nobody": "strict",
    "authenticated": "strict",
    "tls": "permissive",
    "unauthenticated": "permissive",
    "uncaptured": "uncaptured",
    "unknown": "unknown",
}


class _Port(msgspec.Struct, frozen=True):
    """What is compared of a port."""

    effective: Effective
    because: list[Evidence]
    caller: str = "any"


_Table = dict[tuple[str, str, str], _Port]


def compare(before: Facts, after: Facts) -> Comparison:
    """Every port whose effect changed.

    A port that only one of the documents names is compared with the other's `other`.
    """
    old, new = _table(before), _table(after)
    steps = {
        key: (was, now)
        for key in sorted(old.keys() | new.keys())
        if (was := _lookup(old, key))
        and (now := _lookup(new, key))
        and was.effective != now.effective
        # without the exception its only caller could not use the port at all
        and not (now.caller == "apiserver" and now.effective == "permissive")
    }
    weaker, stronger, opened = [], [], []
    for key, (was, now) in steps.items():
        alike = [k[2] for k, s in steps.items() if _alike((k, s), (key, (was, now)))]
        change = _change(key, was, now, alike)
        direction = _direction(was.effective, now.effective)
        if direction < 0:
            weaker.append(change)
            if was.effective == "strict":
                opened.append(change)
        elif direction > 0:
            stronger.append(change)
    return Comparison(tuple(weaker), tuple(stronger), tuple(_cut(before, after)), tuple(opened))


def _table(facts: Facts) -> _Table:
    found: _Table = {
        (workload.ref.id, group.protocol, port): _Port(group.effective, group.because, group.caller)
        for workload in facts.workloads
        for group in workload.modes
        for port in group.ports
    }
    for linked in facts.linkerd:
        for modes in linked.modes:
            for port in modes.ports:
                seen = _Port(_LINKERD[modes.accepts], modes.because)
                found[linked.ref.id, "Linkerd", port] = seen
    return found


_Step = tuple[tuple[str, str, str], tuple[_Port, _Port]]


def _alike(one: _Step, other: _Step) -> bool:
    """Whether two ports of one workload change in the same way."""
    effects = [[port.effective for port in step] for _, step in (one, other)]
    return one[0][:2] == other[0][:2] and effects[0] == effects[1]


def _lookup(table: _Table, key: tuple[str, str, str]) -> _Port | None:
    workload, protocol, _ = key
    return table.get(key) or table.get((workload, protocol, "other"))


def _direction(was: Effective, now: Effective) -> int:
    """Negative where the later effect is weaker."""
    if now == "unknown":
        return -1 if was == "strict" else 0
    if was == "unknown":
        return 1 if now == "strict" else 0
    return _STRENGTH[now] - _STRENGTH[was]


def _change(key: tuple[str, str, str], was: _Port, now: _Port, alike: list[str]) -> Change:
    """What changed of a port; the first of those that change alike speaks for all of them."""
    target, _, port = key
    name = "every other port" if port == "other" else f"port {port}"
    text = f"{name} {_WORDS[was.effective]} before and {_WORDS[now.effective]} after"
    return Change(
        target,
        text,
        tuple(now.because),
        tuple(was.because),
        sentence=f"{_ports(alike)} of {{}} {_NOW[now.effective]}",
        subject="/".join(target.split("/")[1:]).removeprefix("-/"),
        implied=port != alike[0],
    )


def _ports(names: list[str]) -> str:
    if "other" in names:
        return "every port"
    return f"port {names[0]}" if len(names) == 1 else f"each of the ports {', '.join(names)}"


def _cut(before: Facts, after: Facts) -> Iterator[Change]:
    """Calls that worked and are refused, and clients whose rule makes them send what is refused."""
    lost_edges = list(_lost_edges(before, after))
    yield from (_lost(edge) for edge in lost_edges)
    told = {(edge.client.id, edge.server.id, edge.port) for edge in lost_edges}
    worked = {
        (caller.ref.id, caller.target.id, caller.port)
        for caller in before.callers
        if caller.verdict == "works"
    } - told
    for caller in after.callers:
        lost = caller.verdict != "works"
        if lost and (caller.ref.id, caller.target.id, caller.port) in worked:
            text = f"{caller.ref} calls port {caller.port} without mesh identity and is refused"
            yield Change(
                caller.target.id,
                text,
                tuple(caller.because),
                sentence=f"{{}} refuses {caller.ref}, which calls port {caller.port} without"
                " mesh identity",
                subject=_words(caller.target),
            )
    known = {(rule.ref.id, rule.part) for rule in before.rules if rule.effect == "cut"}
    services = {edge.service.partition(":")[0] for edge in lost_edges}
    for rule in after.rules:
        if rule.effect == "cut" and (rule.ref.id, rule.part) not in known:
            text = f"clients of {rule.host} are refused: this rule makes them send {rule.sends}"
            yield Change(
                rule.ref.id,
                text,
                tuple(rule.because),
                sentence=f"clients of {{}} are refused: they are made to send {rule.sends}",
                subject=rule.host,
                implied=rule.service in services,
            )


def _words(ref: ObjectRef) -> str:
    return f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name


def _lost_edges(before: Facts, after: Facts) -> Iterator[Edge]:
    """Intended calls between workloads that worked, with or without identity, and no longer do."""
    worked = {_key(edge) for edge in before.edges if edge.verdict == "works"}
    for edge in after.edges:
        if edge.verdict != "works" and _key(edge) in worked:
            yield edge


def _lost(edge: Edge) -> Change:
    sent = edge.sends.replace("_", " ")
    text = f"{edge.client} sends {sent} to port {edge.port}, which {_WORDS[edge.accepts]}"
    return Change(
        edge.server.id,
        text,
        tuple(edge.because),
        sentence=f"cuts {_words(edge.client)} off from port {edge.port} of {{}}: it sends {sent},"
        f" and the port {_WORDS[edge.accepts]}",
        subject=_words(edge.server),
    )


def _key(edge: Edge) -> tuple[str, str, str, str]:
    return edge.client.id, edge.server.id, edge.port, edge.service
