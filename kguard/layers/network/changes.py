# SPDX-License-Identifier: Apache-2.0
"""Which connections does a change open, close or alter, and which lines are the cause?

The form of np-guard's netpol-analyzer (`diff`): address ranges of both sides are cut against each
other, and neighbouring ranges with the same answers are put together again. Connections that stay
as they are do not appear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Literal

import msgspec

from kguard.inventory import Inventory
from kguard.layers.network.connections import Connection, End, connections, named_ends
from kguard.layers.network.explain import deciding
from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction
from kguard.layers.network.semantics.profiles import Profile
from kguard.model.facts.common import Evidence

NONE = "No Connections"
Kind = Literal["changed", "added", "removed"]
KINDS: tuple[Kind, ...] = ("changed", "added", "removed")
"""In the order of the output."""


class Cause(msgspec.Struct, frozen=True):
    """A line of one side that decides there and not on the other side."""

    side: Literal["base", "head"]
    evidence: Evidence


class FlowChange(msgspec.Struct, frozen=True):
    """A connection that is not what it was."""

    kind: Kind
    src: str
    dst: str
    base: str
    head: str
    workloads: str
    """Which of the ends exists on one side only, in words; empty if both exist on both."""
    because: tuple[Cause, ...]


class Changes(msgspec.Struct, frozen=True):
    """What a change does, and what stood in the way of a complete answer."""

    flows: tuple[FlowChange, ...]
    """What happens to certain connections, sorted by kind and names."""
    undecided: int
    """Connections of either side that may be possible besides: they are not compared."""


class _Side:
    """One of the two inputs."""

    def __init__(self, inventory: Inventory, profile: Profile) -> None:
        self.undecided = 0
        self.cluster = Cluster(inventory, profile)
        self.names = named_ends(self.cluster)
        self.plain: dict[tuple[str, str], Connection] = {}
        self.ranged: dict[tuple[str, Direction], list[tuple[AddressRange, str]]] = {}
        for entry in connections(self.cluster):
            self.undecided += bool(entry.further)
            if not entry.certain:
                continue
            if entry.source.outside:
                self._range(entry.target.name, "ingress", entry.source.outside, entry.certain)
            elif entry.target.outside:
                self._range(entry.source.name, "egress", entry.target.outside, entry.certain)
            else:
                self.plain[entry.source.name, entry.target.name] = entry

    def _range(self, name: str, direction: Direction, outside: AddressRange, text: str) -> None:
        self.ranged.setdefault((name, direction), []).append((outside, text))


def changes(base: Inventory, head: Inventory, profile: Profile) -> Changes:
    """What a change does to connections, in one reading of the API."""
    found = _Comparison(_Side(base, profile), _Side(head, profile))
    every = [*found.between_workloads(), *found.with_addresses()]
    return Changes(
        flows=tuple(sorted(every, key=lambda c: (KINDS.index(c.kind), c.src, c.dst))),
        undecided=found.base.undecided + found.head.undecided,
    )


class _Comparison:
    def __init__(self, base: _Side, head: _Side) -> None:
        self.base, self.head = base, head

    def between_workloads(self) -> Iterator[FlowChange]:
        """Connections of two workloads, or of an ingress controller with one."""
        for key in sorted({*self.base.plain, *self.head.plain}):
            old, new = self.base.plain.get(key), self.head.plain.get(key)
            before = old.certain if old else NONE
            after = new.certain if new else NONE
            some = new or old
            if before != after and some is not None:
                yield self._change(some.source, some.target, before, after)

    def with_addresses(self) -> Iterator[FlowChange]:
        """Connections of a workload with addresses."""
        for name, direction in sorted({*self.base.ranged, *self.head.ranged}):
            before = self.base.ranged.get((name, direction), [])
            after = self.head.ranged.get((name, direction), [])
            for outside, old, new in _merged(_cut(before, after)):
                far, near = End(f"{outside}[External]", outside=outside), End(name)
                ends = (far, near) if direction == "ingress" else (near, far)
                yield self._change(*ends, old, new)

    def _change(self, source: End, target: End, old: str, new: str) -> FlowChange:
        kind: Kind = "added" if old == NONE else "removed" if new == NONE else "changed"
        lone = [end.name for end in (source, target) if self._is_lone(end)]
        word = "workload" if len(lone) == 1 else "workloads"
        info = f"{word} {' and '.join(lone)} {kind}" if lone else ""
        because = () if lone else tuple(self._causes(source, target))
        return FlowChange(kind, source.name, target.name, old, new, info, because)

    def _is_lone(self, end: End) -> bool:
        """Whether a workload exists on one side only."""
        sides = [end.name in side.names for side in (self.base, self.head)]
        return any(sides) and not all(sides)

    def _causes(self, source: End, target: End) -> Iterator[Cause]:
        """What decides on one side and not, or otherwise, on the other."""
        old, new = (_reasons(side, source, target) for side in (self.base, self.head))
        yield from (Cause("head", entry) for key, entry in new.items() if key not in old)
        yield from (Cause("base", entry) for key, entry in old.items() if key not in new)


def _reasons(side: _Side, source: End, target: End) -> dict[tuple[str, str, str], Evidence]:
    """The deciding lines of both ends, by object, place and what they say."""
    found: dict[tuple[str, str, str], Evidence] = {}
    sides: tuple[tuple[Direction, End, End], ...] = (
        ("egress", source, target),
        ("ingress", target, source),
    )
    for direction, own, other in sides:
        index = side.names.get(own.name)
        if index is None:
            continue
        far = other.outside or side.names.get(other.name, side.cluster.stranger)
        for entry in deciding(side.cluster, direction, index, far):
            found[entry.ref, entry.pointer, entry.note] = entry
    return found


def _cut(
    old: list[tuple[AddressRange, str]], new: list[tuple[AddressRange, str]]
) -> Iterator[tuple[AddressRange, str, str]]:
    """Both sides over the ranges that none of them divides further, in order."""
    for family in (4, 6):
        before = [(entry, text) for entry, text in old if entry.family == family]
        after = [(entry, text) for entry, text in new if entry.family == family]
        entries = [entry for entry, _ in (*before, *after)]
        starts = sorted({e.low for e in entries} | {e.high + 1 for e in entries})
        have, want = _by_start(before, starts), _by_start(after, starts)
        for low, following in pairwise(starts):
            yield AddressRange(family, low, following - 1), have.get(low, NONE), want.get(low, NONE)


def _by_start(entries: list[tuple[AddressRange, str]], starts: list[int]) -> Mapping[int, str]:
    """The text that holds at each start; the entries do not overlap."""
    found: dict[int, str] = {}
    place = 0
    for entry, text in sorted(entries):
        while place < len(starts) and starts[place] < entry.low:
            place += 1
        while place < len(starts) and starts[place] <= entry.high:
            found[starts[place]] = text
            place += 1
    return found


def _merged(
    pieces: Iterator[tuple[AddressRange, str, str]],
) -> Iterator[tuple[AddressRange, str, str]]:
    """Neighbours with the same answers as one range; those that did not change are left out."""
    last: tuple[AddressRange, str, str] | None = None
    for piece, old, new in pieces:
        if last and _continues(last, piece, old, new):
            last = (AddressRange(piece.family, last[0].low, piece.high), old, new)
            continue
        if last and last[1] != last[2]:
            yield last
        last = (piece, old, new)
    if last and last[1] != last[2]:
        yield last


def _continues(
    last: tuple[AddressRange, str, str], piece: AddressRange, old: str, new: str
) -> bool:
    before, *texts = last
    touching = before.family == piece.family and before.high == piece.low - 1
    return touching and texts == [old, new]
