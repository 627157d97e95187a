# SPDX-License-Identifier: Apache-2.0
"""Which classes of pods and which addresses does a policy select or a rule name?

Authority: networking/v1 types.go (NetworkPolicyPeer) and network-policy-api
apis/v1alpha2/clusternetworkpolicy_types.go (subjects and peers: pods on the host network are not
included; `networks` mean pods too; `nodes` mean addresses of nodes).
"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.network.semantics.addresses import AddressAtoms, Block, block
from kguard.layers.network.semantics.blocks import BlockIndex
from kguard.layers.network.semantics.endpoints import NOTHING, Classes, Mask
from kguard.layers.network.semantics.policy import (
    Direction,
    Entity,
    Group,
    Peer,
    PodPolicy,
    Rule,
)
from kguard.layers.network.semantics.profiles import Profile

EVERY_NODE = "every node"
"""The text of a block that holds the addresses of all nodes."""


class Peers:
    """Answers selectors and blocks as bits: classes first, then the address atoms."""

    def __init__(
        self, classes: Classes, addresses: Mapping[Direction, AddressAtoms], profile: Profile
    ) -> None:
        self._classes = classes
        self._addresses = addresses
        self._profile = profile
        self._blocks = BlockIndex(classes)

    def subject(self, policy: PodPolicy) -> Mask:
        """The classes that a policy applies to."""
        if policy.pods is not None:
            return self._hosts(self._classes.matching(policy.pods), pods_only=policy.pods_only)
        found = self._classes.pods(policy.selector)
        if policy.spaces is None:
            own = self._classes.in_namespace(policy.namespace)
            found &= Mask(own, own)
        else:
            found &= self._classes.namespaces(policy.spaces)
        return self._hosts(found, pods_only=policy.pods_only)

    def _hosts(self, mask: Mask, *, pods_only: bool) -> Mask:
        """Leave out pods on the host network, as far as the reading or the API says so."""
        reading = self._profile.host_network
        if reading == "pod":
            return mask
        rest = ~self._classes.host_network
        never = pods_only or reading == "node"
        return Mask(mask.must & rest, mask.may & rest if never else mask.may)

    def of_rule(self, direction: Direction, rule: Rule, namespace: str) -> Mask:
        """All peers of a rule, perhaps fewer where there is doubt."""
        if rule.admits_everyone:
            whole = self.everyone(direction)
            return Mask(0 if rule.doubt else whole, whole)
        found = NOTHING
        for peer in rule.peers:
            found |= self.of_peer(direction, peer, namespace)
        return Mask(0, found.may) if rule.doubt else found

    def everyone(self, direction: Direction) -> int:
        """All classes and all addresses."""
        return self._classes.everything | (
            self._addresses[direction].everything << self._classes.count
        )

    def of_peer(self, direction: Direction, peer: Peer, namespace: str) -> Mask:
        """The classes and address atoms that one peer of a rule names."""
        if peer.block is not None:
            atoms = self._addresses[direction].of_ranges(peer.block.ranges)
            outside = atoms << self._classes.count
            found = self._inside(peer, peer.block) | Mask(outside, outside)
            return Mask(0, found.may) if peer.doubt else found
        if peer.entity is not None:
            return self.of_entity(direction, peer.entity, pods_only=peer.pods_only)
        found = self._classes.pods(peer.pods) if peer.pods is not None else NOTHING
        if peer.namespaces is None:
            own = self._classes.in_namespace(namespace)
            found &= Mask(own, own)
        else:
            found &= self._classes.namespaces(peer.namespaces)
        return self._hosts(found, pods_only=peer.pods_only)

    def _inside(self, peer: Peer, block: Block) -> Mask:
        """The pods that have an address of a block."""
        match peer.block_of:
            case "ip_block":
                return self._blocks.pods(block, self._profile.block_matches_pods)
            case "networks":
                return self._blocks.pods(block, self._profile.networks_match_pods)
            case "nodes":
                return self._on_nodes(block)
            case _:
                return NOTHING

    def _on_nodes(self, block: Block) -> Mask:
        """Pods on the host network have the address of some node."""
        hosts = self._classes.host_network
        if not block.ranges:
            return NOTHING
        if block.cidr == EVERY_NODE:
            return Mask(hosts, hosts)
        perhaps = Mask(0, self._blocks.unknown)
        return (self._blocks.known(block) | perhaps) & Mask(hosts, hosts)

    def of_entity(self, direction: Direction, entity: Entity, *, pods_only: bool) -> Mask:
        """The classes and address atoms for which all conditions hold."""
        everyone = self.everyone(direction)
        found = Mask(0 if entity.doubt else everyone, everyone)
        for group, inside in ((entity.group, True), (entity.not_group, False)):
            if group is not None:
                mask = self._group(direction, group, pods_only=pods_only)
                found &= mask if inside else mask.outside(everyone)
        for nets, inside in ((entity.nets, True), (entity.not_nets, False)):
            if nets is not None:
                mask = self._everywhere(direction, nets)
                found &= mask if inside else mask.outside(everyone)
        if entity.family:
            found &= self._everywhere(direction, _FAMILIES[entity.family])
        return found

    def _group(self, direction: Direction, group: Group, *, pods_only: bool) -> Mask:
        pods = self._hosts(self._classes.matching(group.pods), pods_only=pods_only)
        if not group.ranges:
            return pods
        return pods | self._everywhere(direction, Block("", (), group.ranges))

    def _everywhere(self, direction: Direction, block: Block) -> Mask:
        """Addresses, and the pods that have them."""
        atoms = self._addresses[direction].of_ranges(block.ranges) << self._classes.count
        return self._blocks.pods(block, "yes") | Mask(atoms, atoms)


_FAMILIES = {4: block("0.0.0.0/0"), 6: block("::/0")}
