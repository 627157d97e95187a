# SPDX-License-Identifier: Apache-2.0
"""Which connections are possible, as rows `src => dst : ports`?

The form of np-guard's netpol-analyzer (`list -o txt|json`), so that its expectations can be held
against kguard.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from kguard.errors import UsageError
from kguard.inventory import Inventory
from kguard.layers.network.connections import Connection, connections, named_ends
from kguard.layers.network.controllers import CONTROLLER
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PLUGINS, PROFILES, Profile

EVERYTHING = "All Connections"


class ConnectionRow(msgspec.Struct, frozen=True, order=True):
    """One row: names of source and destination, and the ports in words."""

    src: str
    dst: str
    conn: str

    def __str__(self) -> str:
        return f"{self.src} => {self.dst} : {self.conn}"


class Listing(msgspec.Struct, frozen=True):
    """The rows, and what stood in the way of complete ones."""

    rows: tuple[ConnectionRow, ...]
    uncertain: tuple[ConnectionRow, ...]
    """Rows with the further ports that may be open, where that cannot be decided."""
    refused: tuple[str, ...]
    """Policies that the API server would refuse, with the reason."""
    not_modelled: tuple[str, ...]
    """Policies of kinds that are not evaluated."""


class Focus(msgspec.Struct, frozen=True):
    """What a reader wants to see; empty fields leave nothing out."""

    workload: str = ""
    """`name` or `namespace/name` of one end, or `ingress-controller`."""
    peer: str = ""
    """The same of the other end."""
    direction: Literal["", "ingress", "egress"] = ""
    """Only connections to (ingress) or from (egress) the workload."""
    protocol: str = ""
    port: int = 0


def listing(inventory: Inventory, profile: Profile, focus: Focus | None = None) -> Listing:
    """All connections of the input under a reading of the API, sorted.

    Raises:
        UsageError: the focus names no workload of the input.
    """
    return listed(Cluster(inventory, profile), focus or Focus())


def listed(cluster: Cluster, focus: Focus) -> Listing:
    """All connections of a cluster, sorted.

    Raises:
        UsageError: the focus names no workload of the input.
    """
    chosen = _names(cluster, focus.workload)
    peers = _names(cluster, focus.peer)
    found = [
        connection
        for connection in connections(cluster, chosen - {CONTROLLER})
        if _in_focus(connection, chosen, peers, focus.direction)
    ]
    ports = (focus.protocol, focus.port)
    return Listing(
        rows=_rows(((c, c.certain) for c in found), ports),
        uncertain=_rows(((c, c.further) for c in found), ports),
        refused=tuple(f"{p.id}{q.pointer}: {q.text}" for p in cluster.refused for q in p.problems),
        not_modelled=tuple(sorted({m.id for found in cluster.foreign.values() for m in found})),
    )


def by_plugin(inventory: Inventory, found: Listing, focus: Focus) -> dict[str, int]:
    """How many of the uncertain rows each plugin makes certain, wholly or in part."""
    known = {(row.src, row.dst): row.conn for row in found.rows}
    asked = {(row.src, row.dst) for row in found.uncertain}
    return {
        plugin: sum(
            (row.src, row.dst) in asked and row.conn != known.get((row.src, row.dst))
            for row in listing(inventory, PROFILES[plugin], focus).rows
        )
        for plugin in PLUGINS
    }


def _names(cluster: Cluster, wanted: str) -> frozenset[str]:
    """The names of ends that a focus means; empty for none."""
    if not wanted:
        return frozenset()
    if wanted in (CONTROLLER, CONTROLLER.strip("{}")):
        return frozenset({CONTROLLER})
    namespace, _, name = wanted.rpartition("/")
    found = {
        row
        for row in named_ends(cluster)
        for space, _, rest in [row.partition("/")]
        if name in (rest, rest.rpartition("[")[0]) and namespace in ("", space)
    }
    if not found:
        raise UsageError(f"no workload {wanted} in the input", hint="kguard network list names all")
    return frozenset(found)


def _in_focus(
    connection: Connection, chosen: frozenset[str], peers: frozenset[str], direction: str
) -> bool:
    source, target = connection.source.name, connection.target.name
    into = (not chosen or target in chosen) and (not peers or source in peers)
    out = (not chosen or source in chosen) and (not peers or target in peers)
    return {"ingress": into, "egress": out}.get(direction, into or out)


def _rows(
    found: Iterable[tuple[Connection, str]], ports: tuple[str, int]
) -> tuple[ConnectionRow, ...]:
    rows = (
        ConnectionRow(connection.source.name, connection.target.name, _only(text, *ports))
        for connection, text in found
    )
    return tuple(sorted(row for row in rows if row.conn))


def _only(text: str, protocol: str, port: int) -> str:
    """The ports of a row as far as they are in focus; empty for none."""
    if not protocol or not text:
        return text
    return f"{protocol} {port}" if speaks_of(text, protocol, port) else ""


def speaks_of(text: str, protocol: str, port: int) -> bool:
    """Whether the ports of a row hold one port."""
    if text == EVERYTHING:
        return True
    current = ""
    for word in text.replace(",", " ").split():
        if word.isalpha():
            current = word
            continue
        low, _, high = word.partition("-")
        if current == protocol and int(low) <= port <= int(high or low):
            return True
    return False
