# SPDX-License-Identifier: Apache-2.0
"""Which connections are possible, as rows `src => dst : ports`?

The form of np-guard's netpol-analyzer (`list -o txt|json`), so that its expectations can be held
against kguard: pods stand under their direct controller, pairs of the same workload are left out,
addresses appear as the atoms of the blocks of one direction, and `{ingress-controller}` stands for
a pod that an Ingress or Route sends from outside the listed namespaces.
"""

from __future__ import annotations

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.network.controllers import controller_rows
from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.reach import Ports
from kguard.model.manifests import mapping, sequence, strings


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


def listing(inventory: Inventory, profile: Profile) -> Listing:
    """All connections of the input under a reading of the API, sorted."""
    cluster = Cluster(inventory, profile)
    peers = _peers(cluster)
    pairs = [*_pod_rows(cluster, peers), *_address_rows(cluster, peers)]
    text = cluster.reach.ports.text
    rows = [ConnectionRow(s, d, text(ports.must)) for s, d, ports in pairs if ports.must]
    rows += [ConnectionRow(*row) for row in controller_rows(cluster, peers)]
    unsure = [
        ConnectionRow(s, d, text(ports.may & ~ports.must))
        for s, d, ports in pairs
        if ports.may & ~ports.must
    ]
    return Listing(
        rows=tuple(sorted(rows)),
        uncertain=tuple(sorted(unsure)),
        refused=tuple(f"{p.id}{q.pointer}: {q.text}" for p in cluster.refused for q in p.problems),
        not_modelled=tuple(sorted({m.id for found in cluster.foreign.values() for m in found})),
    )


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


def _peers(cluster: Cluster) -> dict[str, int]:
    """One endpoint for each name: pods of one controller are alike."""
    found: dict[str, int] = {}
    for index, workload in enumerate(cluster.workloads):
        found.setdefault(row_name(workload), index)
    return found


def _pod_rows(cluster: Cluster, peers: dict[str, int]) -> list[tuple[str, str, Ports]]:
    reach, memo = cluster.reach, {}
    number_of = reach.classes.of_endpoint
    found = []
    for source, source_index in peers.items():
        for target, target_index in peers.items():
            if source == target:
                continue
            key = (number_of[source_index], number_of[target_index])
            if key not in memo:
                memo[key] = reach.connection(source_index, target_index)
            found.append((source, target, memo[key]))
    return found


def _address_rows(cluster: Cluster, peers: dict[str, int]) -> list[tuple[str, str, Ports]]:
    reach = cluster.reach
    found = []
    for atom, entry in _shown(cluster, "ingress"):
        name = f"{entry}[External]"
        found += [(name, peer, reach.from_address(atom, index)) for peer, index in peers.items()]
    for atom, entry in _shown(cluster, "egress"):
        name = f"{entry}[External]"
        found += [(peer, name, reach.to_address(index, atom)) for peer, index in peers.items()]
    return found


def _shown(cluster: Cluster, direction: str) -> list[tuple[int, AddressRange]]:
    atoms = cluster.reach.addresses["ingress" if direction == "ingress" else "egress"].atoms()
    shown = (4, 6) if cluster.profile.ipv6 else (4,)
    return [(bit, entry) for bit, entry in enumerate(atoms) if entry.family in shown]
