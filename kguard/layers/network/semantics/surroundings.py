# SPDX-License-Identifier: Apache-2.0
"""What outside of policies decides what they mean: nodes with labels and addresses, domains?"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from kguard.inventory import Inventory
from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics.addresses import AddressRange, Block, address, network_range
from kguard.layers.network.semantics.blocks import PRIVATE
from kguard.layers.network.semantics.peers import EVERY_NODE
from kguard.layers.network.semantics.policy import Peer, PodPolicy, Rule
from kguard.layers.network.semantics.services import Service
from kguard.model.manifests import Manifest, mapping, sequence, strings

EVERYWHERE = (AddressRange(4, 0, (1 << 32) - 1), AddressRange(6, 0, (1 << 128) - 1))
_NODE_ADDRESSES = ("InternalIP", "ExternalIP")


class Node(msgspec.Struct, frozen=True):
    """A node: its labels and its addresses."""

    labels: Mapping[str, str]
    addresses: tuple[AddressRange, ...]


class NetworkSet(msgspec.Struct, frozen=True):
    """Addresses that Calico knows by labels; a set of the cluster has no namespace labels."""

    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]
    ranges: tuple[AddressRange, ...]


class CidrGroup(msgspec.Struct, frozen=True):
    """A CiliumCIDRGroup: addresses with a name and labels."""

    name: str
    labels: Mapping[str, str]
    cidrs: tuple[str, ...]


class Surroundings(msgspec.Struct, frozen=True):
    """What is known around the pods.

    `nodes` is None where the input holds no node; `domains` tells the addresses of names, where
    they are known. With `reads_nodes` False, peers that name nodes mean nothing.
    """

    nodes: tuple[Node, ...] | None = None
    reads_nodes: bool = True
    cidrs_mean_nodes: bool = True
    """Whether addresses of rules may be those of nodes (Cilium's `policy-cidr-match-mode`)."""
    domains: Mapping[str, Sequence[str]] | None = None
    network_sets: tuple[NetworkSet, ...] = ()
    cidr_groups: tuple[CidrGroup, ...] = ()
    services: Mapping[tuple[Any, Any], Service] = msgspec.field(default_factory=dict)
    """By namespace and name."""
    host_network: frozenset[int] = frozenset()
    """Indexes of the workloads in the network of their node."""

    @property
    def node_ranges(self) -> tuple[AddressRange, ...]:
        """The addresses of all nodes."""
        return tuple(entry for node in self.nodes or () for entry in node.addresses)

    def nodes_peer(self, place: str, selector: Selector) -> Peer:
        """The addresses of the nodes that a selector selects."""
        if not self.reads_nodes:
            return Peer(place, block=Block("nodes", (), ()), block_of="nodes")
        if self.nodes is None:
            doubt = "the input holds no Node object"
            text = EVERY_NODE if selector.is_empty else "nodes"
            return Peer(place, block=Block(text, (), PRIVATE), block_of="nodes", doubt=doubt)
        chosen = [node for node in self.nodes if selector.matches(node.labels)]
        ranges = tuple(sorted({entry for node in chosen for entry in node.addresses}))
        text = EVERY_NODE if len(chosen) == len(self.nodes) else "nodes"
        return Peer(place, block=Block(text, (), ranges), block_of="nodes")

    def without_nodes(self, policy: PodPolicy) -> PodPolicy:
        """A policy whose blocks do not mean the addresses of nodes."""
        hosts = self.node_ranges

        def peer(found: Peer) -> Peer:
            if found.block is None:
                return found
            ranges = without(found.block.ranges, hosts)
            return replace(found, block=replace(found.block, ranges=ranges))

        def rules(found: tuple[Rule, ...]) -> tuple[Rule, ...]:
            return tuple(replace(rule, peers=tuple(map(peer, rule.peers))) for rule in found)

        return replace(policy, ingress=rules(policy.ingress), egress=rules(policy.egress))

    def domain_peer(self, place: str, name: str) -> Peer:
        """The addresses of a domain, or `*.` and a domain: any address where nothing is known."""
        if self.domains is None:
            doubt = f"the addresses of {name} are not known"
            block = Block(name, (), EVERYWHERE)
            return Peer(place, block=block, block_of="outside", doubt=doubt)
        texts = [text for key, found in self.domains.items() if _means(name, key) for text in found]
        ranges = tuple(sorted({entry for text in texts if (entry := address(text))}))
        return Peer(place, block=Block(name, (), ranges), block_of="outside")


def _means(name: str, domain: str) -> bool:
    """Whether a name of a rule means a domain; `*.` means any depth below."""
    name, domain = name.rstrip(".").lower(), domain.rstrip(".").lower()
    return domain.endswith(name[1:]) if name.startswith("*.") else name == domain


def nodes(manifests: Sequence[Manifest]) -> tuple[Node, ...] | None:
    """The nodes of an input, None where it holds none."""
    found = [Node(manifest.labels, tuple(_addresses(manifest))) for manifest in manifests]
    return tuple(found) or None


def _addresses(manifest: Manifest) -> list[AddressRange]:
    status = mapping(manifest.object.get("status"))
    entries = [strings(entry) for entry in sequence(status.get("addresses"))]
    texts = [entry.get("address", "") for entry in entries if entry.get("type") in _NODE_ADDRESSES]
    return [entry for text in texts if (entry := address(text))]


def network_sets(inventory: Inventory) -> tuple[NetworkSet, ...]:
    """The network sets of an input."""
    found = []
    for group in ("crd.projectcalico.org", "projectcalico.org"):
        for kind in ("GlobalNetworkSet", "NetworkSet"):
            for manifest in inventory.of(kind, group):
                space = inventory.namespaces.get(manifest.namespace)
                labels = space.labels if space is not None else {}
                ranges = tuple(_nets(manifest.spec.get("nets")))
                found.append(NetworkSet(manifest.labels, labels, ranges))
    return tuple(found)


def _nets(value: Any) -> list[AddressRange]:
    """The ranges of a list; what is none is left out, as Calico does."""
    found = []
    for entry in sequence(value):
        try:
            network = ipaddress.ip_network(entry if isinstance(entry, str) else "", strict=False)
            found.append(network_range(str(network)))
        except ValueError:
            continue
    return found


def cidr_groups(manifests: Sequence[Manifest]) -> tuple[CidrGroup, ...]:
    """The groups of CIDRs of an input."""
    return tuple(
        CidrGroup(m.name, m.labels, tuple(map(str, sequence(m.spec.get("externalCIDRs")))))
        for m in manifests
    )


def without(
    ranges: Sequence[AddressRange], holes: Sequence[AddressRange]
) -> tuple[AddressRange, ...]:
    """What is left of ranges when others are cut out."""
    left = list(ranges)
    for hole in holes:
        left = [part for entry in left for part in _cut(entry, hole)]
    return tuple(sorted(set(left)))


def _cut(entry: AddressRange, hole: AddressRange) -> list[AddressRange]:
    if entry.family != hole.family or hole.high < entry.low or entry.high < hole.low:
        return [entry]
    parts = [(entry.low, hole.low - 1), (hole.high + 1, entry.high)]
    return [AddressRange(entry.family, low, high) for low, high in parts if low <= high]
