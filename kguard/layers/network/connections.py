# SPDX-License-Identifier: Apache-2.0
"""Which connections are possible, with the ends as the evaluation knows them?

The basis of listings, of their differences and of exposure. The form is that of np-guard's
netpol-analyzer: pods stand under their direct controller, pairs of the same workload are left out,
addresses appear as the atoms of the blocks of one direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Workload
from kguard.layers.network.controllers import CONTROLLER, controller_rows
from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction
from kguard.layers.network.semantics.reach import Ports
from kguard.model.manifests import mapping, sequence, strings


class End(msgspec.Struct, frozen=True, order=True):
    """One end: an endpoint by its index, an address range, or (neither) an ingress controller."""

    name: str
    index: int = -1
    outside: AddressRange | None = None


class Connection(msgspec.Struct, frozen=True):
    """What one end can open at the other: in words, with certainty and perhaps."""

    source: End
    target: End
    certain: str
    """The ports as rows say them; empty for none."""
    further: str
    """Those that may be open besides."""


def row_name(workload: Workload) -> str:
    """`namespace/controller[Kind]`: a Pod stands under the controller that owns it."""
    name, kind = workload.name, workload.owner_kind
    if kind == "Pod":
        for owner in sequence(workload.manifest.metadata.get("ownerReferences")):
            fields = strings(owner)
            if mapping(owner).get("controller") is True and fields.get("kind") != "Node":
                name, kind = fields.get("name", name), fields.get("kind", kind)
                break
    return f"{workload.namespace}/{name}[{kind}]"


def named_ends(cluster: Cluster) -> dict[str, int]:
    """One endpoint for each name: pods of one controller are alike."""
    found: dict[str, int] = {}
    for index, workload in enumerate(cluster.workloads):
        found.setdefault(row_name(workload), index)
    return found


def connections(cluster: Cluster, only: frozenset[str] = frozenset()) -> Iterator[Connection]:
    """Every pair of ends of which one can open something at the other, perhaps.

    Args:
        cluster: the input, ready for questions.
        only: names of workloads of which one must be an end; all pairs if it is empty.
    """
    ends = [End(name, index) for name, index in named_ends(cluster).items()]
    chosen = [end for end in ends if not only or end.name in only]
    yield from _between_pods(cluster, ends, only)
    for atom, outside in _outside(cluster, "ingress"):
        for end in chosen:
            yield from _said(cluster, outside, end, cluster.reach.from_address(atom, end.index))
    for atom, outside in _outside(cluster, "egress"):
        for end in chosen:
            yield from _said(cluster, end, outside, cluster.reach.to_address(end.index, atom))
    targets = {end.name: end.index for end in chosen}
    for _, name, text in controller_rows(cluster, targets):
        yield Connection(End(CONTROLLER), End(name, targets[name]), text, "")


def _between_pods(cluster: Cluster, ends: list[End], only: frozenset[str]) -> Iterator[Connection]:
    reach = cluster.reach
    memo: dict[tuple[int, int], Ports] = {}
    number_of = reach.classes.of_endpoint
    for source in ends:
        for target in ends:
            if source == target or (only and not only & {source.name, target.name}):
                continue
            key = (number_of[source.index], number_of[target.index])
            if key not in memo:
                memo[key] = reach.connection(source.index, target.index)
            yield from _said(cluster, source, target, memo[key])


def _said(cluster: Cluster, source: End, target: End, ports: Ports) -> Iterator[Connection]:
    if not ports.may:
        return
    text, further = cluster.reach.ports.text, ports.may & ~ports.must
    certain = text(ports.must) if ports.must else ""
    yield Connection(source, target, certain, text(further) if further else "")


def _outside(cluster: Cluster, direction: Direction) -> list[tuple[int, End]]:
    """The address atoms of a direction that listings show, with their bits."""
    shown = (4, 6) if cluster.profile.ipv6 else (4,)
    return [
        (bit, End(f"{entry}[External]", outside=entry))
        for bit, entry in enumerate(cluster.reach.addresses[direction].atoms())
        if entry.family in shown
    ]
