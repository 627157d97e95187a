# SPDX-License-Identifier: Apache-2.0
"""What is an intended connection?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis


class Party(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """One end of a connection.

    `workload`: pods of the input (`index`); `pods`: pods known by namespace and labels, which need
    not be in the input; `anyone`: clients outside the cluster; `somewhere`: pods of which the
    namespace is not known (`candidates` are what they may be); `address`: a host that is no pod,
    whose addresses are known (`cidrs`) or not; `node`: the node of the other end.
    """

    kind: Literal["workload", "pods", "anyone", "somewhere", "address", "node"]
    name: str
    """In words, for messages."""
    index: int = -1
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    cidrs: tuple[str, ...] = ()
    candidates: tuple[Party, ...] = ()
    """`pods`; one without a namespace may be in any."""


class Flow(msgspec.Struct, frozen=True):
    """A connection that something in the input shows to be intended."""

    source: Party
    target: Party
    protocol: str
    port: int
    basis: Basis
    because: Evidence


class Target(msgspec.Struct, frozen=True):
    """Where a name leads: a party, the port of it, and what that makes of the connection."""

    party: Party
    protocol: str
    port: int
    basis: Basis
    note: str = ""
    """What is to be said besides that something names it."""


def flows(source: Party, targets: Sequence[Target], place: Evidence) -> list[Flow]:
    """The connections of a source to each target."""
    return [
        Flow(
            source,
            target.party,
            target.protocol,
            target.port,
            target.basis,
            Evidence(place.ref, place.pointer, place.note + target.note, line=place.line),
        )
        for target in targets
    ]


def members(workloads: Sequence[Workload]) -> list[Party]:
    """The workloads of the input."""
    return [Party("workload", w.name, index=index) for index, w in enumerate(workloads)]


def anyone(name: str) -> Party:
    """Clients outside the cluster."""
    return Party("anyone", name)


def somewhere(name: str, *candidates: Party) -> Party:
    """Pods that may be one of several sets, or any."""
    return Party("somewhere", name, candidates=candidates)


def pods(name: str, namespace: str, **labels: str) -> Party:
    """Pods by namespace and labels."""
    return Party("pods", name, namespace=namespace, labels=tuple(sorted(labels.items())))
