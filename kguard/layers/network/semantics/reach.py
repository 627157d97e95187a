# SPDX-License-Identifier: Apache-2.0
"""Who can open which port of whom, under all policies together?

Authority: the comments of networking/v1 types.go. A pod is isolated in a direction when a policy
of its namespace selects it and restricts that direction; then what the rules of all such policies
admit is allowed, and nothing else. A connection needs the consent of both ends; replies need none.

Peers are bits: classes of pods first, then the address atoms of the direction. Classes that the
same policies select share one row, so the work grows with policies and classes, not with pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import msgspec

from kguard.layers.network.semantics.addresses import AddressAtoms, AddressRange
from kguard.layers.network.semantics.blocks import BlockIndex
from kguard.layers.network.semantics.endpoints import (
    NOTHING,
    Classes,
    Endpoint,
    Mask,
    NamespaceLabels,
    bits,
    from_bits,
)
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Direction,
    Peer,
    PodPolicy,
    PortTerm,
    Rule,
)
from kguard.layers.network.semantics.ports import PortAtoms, PortSpan
from kguard.layers.network.semantics.profiles import Profile


class Grant(msgspec.Struct, frozen=True):
    """Ports (atoms) and the peers that get them, with certainty or perhaps."""

    ports: int
    must: int
    may: int


class Ports(msgspec.Struct, frozen=True):
    """Port atoms that are open with certainty (`must`), inside those that may be (`may`)."""

    must: int
    may: int

    def __and__(self, other: Ports) -> Ports:
        return Ports(self.must & other.must, self.may & other.may)


class Row(msgspec.Struct, frozen=True):
    """What one direction of a class of pods lets through."""

    isolated: bool
    policies: tuple[int, ...]
    grants: tuple[Grant, ...]
    opaque: bool
    """Whether something that cannot be evaluated takes part: nothing is certain."""


class Reachability:
    """Evaluates connections between endpoints and addresses.

    Args:
        endpoints: pods, one entry for each template or hypothetical pod.
        policies: those that are in force (the API server accepts them).
        namespaces: the labels of every namespace that an endpoint or policy lives in.
        profile: the reading of the network plugin.
        opaque: indexes of endpoints that something not evaluated may select.
        marks: address ranges that answers must tell apart, besides those of the rules.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        policies: Sequence[PodPolicy],
        namespaces: Mapping[str, NamespaceLabels],
        profile: Profile,
        *,
        opaque: frozenset[int] = frozenset(),
        marks: Sequence[AddressRange] = (),
    ) -> None:
        self.endpoints = endpoints
        self.policies = policies
        self.profile = profile
        self.ports = PortAtoms(_port_spans(endpoints, self.policies))
        self.addresses: dict[Direction, AddressAtoms] = {
            direction: AddressAtoms([*_block_ranges(self.policies, direction), *marks])
            for direction in DIRECTIONS
        }
        self.classes = Classes(
            endpoints,
            namespaces,
            _label_keys(self.policies),
            _port_names(self.policies),
            by_address=profile.block_matches_pods != "no",
        )
        self._blocks = BlockIndex(self.classes, profile.block_matches_pods)
        self._opaque = from_bits({self.classes.of_endpoint[n] for n in opaque}, self.classes.count)
        self._rows: dict[tuple[Direction, object], Row] = {}
        self._row_of: dict[tuple[Direction, int], Row] = {}
        self._carriers: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._compiled: dict[tuple[Direction, int], list[tuple[Rule, Mask]]] = {}
        self._select()

    def _select(self) -> None:
        """Find for each direction and class the policies that select it."""
        count = self.classes.count
        self.selected: dict[Direction, list[list[int]]] = {
            direction: [[] for _ in range(count)] for direction in DIRECTIONS
        }
        unsure = dict.fromkeys(DIRECTIONS, self._opaque)
        for number, policy in enumerate(self.policies):
            subject = self.subject(policy)
            for direction in DIRECTIONS:
                if direction in policy.directions:
                    unsure[direction] |= subject.may & ~subject.must
                    lists = self.selected[direction]
                    for index in bits(subject.must):
                        lists[index].append(number)
        self._unsure = unsure

    def subject(self, policy: PodPolicy) -> Mask:
        """The classes that a policy applies to; pods on the host network only perhaps."""
        own = self.classes.in_namespace(policy.namespace)
        found = self.classes.pods(policy.selector) & Mask(own, own)
        return self._without_host_network(found)

    def _without_host_network(self, mask: Mask) -> Mask:
        if self.profile.host_network == "pod":
            return mask
        return Mask(mask.must & ~self.classes.host_network, mask.may)

    def row(self, direction: Direction, number: int) -> Row:
        """The row of a class in a direction; classes under the same policies share one."""
        found = self._row_of.get((direction, number))
        if found is None:
            found = self._row_of[direction, number] = self._shared_row(direction, number)
        return found

    def _shared_row(self, direction: Direction, number: int) -> Row:
        policies = tuple(self.selected[direction][number])
        opaque = bool(self._unsure[direction] >> number & 1)
        names = self._named_ports(number) if direction == "ingress" else ()
        key = (direction, (policies, opaque, names))
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._make_row(direction, policies, number, opaque=opaque)
        return found

    def _named_ports(self, number: int) -> tuple[tuple[str, str, int], ...]:
        if not self._names:
            return ()
        ports = self.classes.representatives[number].ports
        return tuple((p.name, p.protocol, p.number) for p in ports if p.name in self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return _port_names(self.policies)

    def _make_row(
        self, direction: Direction, policies: tuple[int, ...], number: int, *, opaque: bool
    ) -> Row:
        if self.profile.enforces == "no":
            return Row(isolated=False, policies=(), grants=(), opaque=False)
        merged: dict[int, Mask] = {}
        for policy in policies:
            for rule, peers in self._rules(direction, policy):
                for ports, mask in self._grants(direction, rule, peers, number):
                    merged[ports] = merged.get(ports, NOTHING) | mask
        grants = tuple(Grant(ports, mask.must, mask.may) for ports, mask in merged.items() if ports)
        return Row(bool(policies), policies, grants, opaque)

    def _rules(self, direction: Direction, policy: int) -> list[tuple[Rule, Mask]]:
        found = self._compiled.get((direction, policy))
        if found is None:
            namespace = self.policies[policy].namespace
            rules = self.policies[policy].rules(direction)
            found = [(rule, self.peers(direction, rule, namespace)) for rule in rules]
            self._compiled[direction, policy] = found
        return found

    def peers(self, direction: Direction, rule: Rule, namespace: str) -> Mask:
        """The peers that a rule names: classes and address atoms."""
        if rule.admits_everyone:
            whole = self.everyone(direction)
            return Mask(whole, whole)
        found = NOTHING
        for peer in rule.peers:
            found |= self.peer(direction, peer, namespace)
        return found

    def everyone(self, direction: Direction) -> int:
        """All classes and all addresses."""
        return self.classes.everything | self.addresses[direction].everything << self.classes.count

    def peer(self, direction: Direction, peer: Peer, namespace: str) -> Mask:
        """The classes and address atoms that one peer of a rule names."""
        if peer.block is not None:
            outside = self.addresses[direction].of_ranges(peer.block.ranges) << self.classes.count
            inside = self._blocks.pods(peer.block)
            return inside | Mask(outside, outside)
        found = self.classes.pods(peer.pods) if peer.pods is not None else NOTHING
        if peer.namespaces is None:
            own = self.classes.in_namespace(namespace)
            found &= Mask(own, own)
        else:
            found &= self.classes.namespaces(peer.namespaces)
        return self._without_host_network(found)

    def _grants(
        self, direction: Direction, rule: Rule, peers: Mask, number: int
    ) -> list[tuple[int, Mask]]:
        if not rule.ports:
            return [(self.ports.everything, peers)]
        numbered = 0
        found = []
        for term in rule.ports:
            if not term.name:
                numbered |= self.ports.of_span(PortSpan(term.protocol, term.low, term.high))
            elif direction == "ingress":
                numbered |= self.named_ports(term, self.classes.representatives[number])
            else:
                found += self._named_egress(term, peers)
        return [(numbered, peers), *found] if numbered else found

    def _named_egress(self, term: PortTerm, peers: Mask) -> list[tuple[int, Mask]]:
        """A name means another number on each peer; addresses have no names."""
        key = (term.protocol, term.name)
        found = self._carriers.get(key)
        if found is None:
            by_ports: dict[int, list[int]] = {}
            for number, endpoint in enumerate(self.classes.representatives):
                by_ports.setdefault(self.named_ports(term, endpoint), []).append(number)
            by_ports.pop(0, None)
            size = self.classes.count
            found = [(ports, from_bits(numbers, size)) for ports, numbers in by_ports.items()]
            self._carriers[key] = found
        return [(ports, peers & Mask(mask, mask)) for ports, mask in found]

    def named_ports(self, term: PortTerm, endpoint: Endpoint) -> int:
        """The ports of an endpoint that carry a name, with the protocol of the term."""
        named = [port for port in endpoint.ports if port.name == term.name]
        if self.profile.first_named_port:
            named = named[:1]
        found = 0
        for port in named:
            if port.protocol == term.protocol:
                found |= self.ports.of_port(port.protocol, port.number)
        return found

    def open_ports(self, direction: Direction, number: int, test: Callable[[int], bool]) -> Ports:
        """The ports that a class lets through for a set of peers (or addresses) all together.

        `test` tells whether a mask of peers is enough of them; it must be monotone.
        """
        row = self.row(direction, number)
        whole = self.ports.everything
        if row.opaque or not row.isolated:
            return Ports(0 if row.opaque else whole, whole)
        must = [(grant.ports, grant.must) for grant in row.grants]
        may = [(grant.ports, grant.may) for grant in row.grants]
        return Ports(_enough(must, test), _enough(may, test))

    def admitting(
        self, direction: Direction, number: int, test: Callable[[int], bool]
    ) -> list[tuple[int, Rule]]:
        """The rules, with the index of their policy, that alone admit enough peers."""
        return [
            (policy, rule)
            for policy in self.row(direction, number).policies
            for rule, peers in self._rules(direction, policy)
            if test(peers.may)
        ]

    def speaks(self, direction: Direction, rule: Rule, number: int) -> int:
        """The ports that a rule in force for a class speaks of, whoever the peer is."""
        whole = self.everyone(direction)
        found = 0
        for ports, _ in self._grants(direction, rule, Mask(whole, whole), number):
            found |= ports
        return found

    def allowed(self, direction: Direction, number: int, peer_bit: int) -> Ports:
        """What one direction of a class lets through to or from one peer."""
        row = self.row(direction, number)
        whole = self.ports.everything
        if not row.isolated:
            return Ports(0 if row.opaque else whole, whole)
        must = may = 0
        for grant in row.grants:
            must |= grant.ports if grant.must >> peer_bit & 1 else 0
            may |= grant.ports if grant.may >> peer_bit & 1 else 0
        return Ports(0, whole) if row.opaque else Ports(must, may)

    def connection(self, source: int, target: int) -> Ports:
        """The ports of an endpoint that another endpoint can open (indexes of `endpoints`)."""
        from_class, to_class = self.classes.of_endpoint[source], self.classes.of_endpoint[target]
        out = self.allowed("egress", from_class, to_class)
        return out & self.allowed("ingress", to_class, from_class)

    def from_address(self, atom: int, target: int) -> Ports:
        """The ports of an endpoint that an address atom (of `addresses["ingress"]`) can open."""
        number = self.classes.of_endpoint[target]
        return self.allowed("ingress", number, self.classes.count + atom)

    def to_address(self, source: int, atom: int) -> Ports:
        """The ports of an address atom (of `addresses["egress"]`) that an endpoint can open."""
        number = self.classes.of_endpoint[source]
        return self.allowed("egress", number, self.classes.count + atom)

    def row_of(self, direction: Direction, endpoint: int) -> Row:
        """The row of an endpoint (index of `endpoints`)."""
        return self.row(direction, self.classes.of_endpoint[endpoint])


def _enough(grants: list[tuple[int, int]], test: Callable[[int], bool]) -> int:
    """The ports for which the grants together pass the test."""
    found = total = union = 0
    for ports, peers in grants:
        union |= peers
        total |= ports
        found |= ports if test(peers) else 0
    if found == total or not test(union):
        return found
    for position in bits(total & ~found):
        together = 0
        for ports, peers in grants:
            together |= peers if ports >> position & 1 else 0
        found |= 1 << position if test(together) else 0
    return found


def _all_rules(policies: Sequence[PodPolicy]) -> list[Rule]:
    return [
        rule for policy in policies for direction in DIRECTIONS for rule in policy.rules(direction)
    ]


def _port_spans(endpoints: Sequence[Endpoint], policies: Sequence[PodPolicy]) -> list[PortSpan]:
    terms = [term for rule in _all_rules(policies) for term in rule.ports]
    names = _port_names(policies)
    found = {PortSpan(term.protocol, term.low, term.high) for term in terms if not term.name}
    for endpoint in endpoints:
        for port in endpoint.ports:
            if port.name in names and _usable(port.protocol, port.number):
                found.add(PortSpan(port.protocol, port.number, port.number))
    return sorted(found)


def _usable(protocol: str, number: int) -> bool:
    return protocol in ("SCTP", "TCP", "UDP") and 1 <= number <= 65535  # noqa: PLR2004


def _port_names(policies: Sequence[PodPolicy]) -> frozenset[str]:
    rules = _all_rules(policies)
    return frozenset(term.name for rule in rules for term in rule.ports if term.name)


def _label_keys(policies: Sequence[PodPolicy]) -> frozenset[str]:
    selectors = {policy.selector for policy in policies}
    for rule in _all_rules(policies):
        selectors.update(peer.pods for peer in rule.peers if peer.pods is not None)
    return frozenset(entry.key for selector in selectors for entry in selector.requirements)


def _block_ranges(policies: Sequence[PodPolicy], direction: Direction) -> list[AddressRange]:
    return [
        entry
        for policy in policies
        for rule in policy.written(direction)
        for peer in rule.peers
        if peer.block is not None
        for entry in peer.block.ranges
    ]
