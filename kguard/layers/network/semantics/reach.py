# SPDX-License-Identifier: Apache-2.0
"""Who can open which port of whom, under all policies together?

Authority: the comments of networking/v1 types.go and of network-policy-api
apis/v1alpha2/clusternetworkpolicy_types.go. Tiers decide one after the other; a pod is isolated in
a direction when a NetworkPolicy of its namespace selects it and restricts that direction; what no
tier decides is allowed. A connection needs the consent of both ends; replies need none.

Peers are bits: classes of pods first, then the address atoms of the direction. Classes that the
same policies select share one row, so the work grows with policies and classes, not with pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from kguard.layers.network.semantics.addresses import AddressAtoms, AddressRange, address
from kguard.layers.network.semantics.endpoints import (
    Classes,
    Endpoint,
    Mask,
    NamespaceLabels,
    bits,
    from_bits,
)
from kguard.layers.network.semantics.matching import Decision, Matching
from kguard.layers.network.semantics.peers import Peers
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    NAMESPACED,
    Action,
    Direction,
    Peer,
    PodPolicy,
    PortTerm,
    Rule,
)
from kguard.layers.network.semantics.ports import PortAtoms
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.tiers import Certainty, Verdicts
from kguard.layers.network.semantics.vocabulary import (
    block_peers,
    block_ranges,
    entity_ranges,
    label_conditions,
    label_keys,
    port_names,
    port_spans,
)


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
    """Whether any policy has a say: then `grants` tell what is allowed, else everything is."""
    policies: tuple[int, ...]
    """Those that select the class with certainty, in the order of `Reachability.policies`."""
    grants: tuple[Grant, ...]
    opaque: bool
    """Whether it is open if the class is isolated at all."""


class _Chosen(msgspec.Struct, frozen=True):
    """The policies that have a say about a class in a direction."""

    sure: tuple[int, ...]
    perhaps: tuple[int, ...]
    opaque: bool
    elsewhere: bool
    """Whether a NetworkPolicy selects the class, but none restricts this direction."""


class Reachability:
    """Evaluates connections between endpoints and addresses.

    Args:
        endpoints: pods, one entry for each template or hypothetical pod.
        policies: those that are in force (the API server accepts them), of any kind.
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
        self.ports = PortAtoms(port_spans(endpoints, policies))
        self.addresses: dict[Direction, AddressAtoms] = {
            direction: AddressAtoms([*block_ranges(policies, direction), *marks])
            for direction in DIRECTIONS
        }
        names = port_names(policies)
        self.classes = Classes(
            endpoints, namespaces, label_keys(policies), names, self._further_key()
        )
        self._peers = Peers(self.classes, self.addresses, profile)
        self._matching = Matching(policies, names, self.classes, self.ports, self._peers, profile)
        self._opaque = from_bits({self.classes.of_endpoint[n] for n in opaque}, self.classes.count)
        self._rows: dict[tuple[Direction, object], Row] = {}
        self._row_of: dict[tuple[Direction, int], Row] = {}
        self._prefixes: dict[tuple[Direction, object, object], Verdicts] = {}
        self._tiered = any(policy.tier != NAMESPACED for policy in policies)
        self._select()

    def _further_key(self) -> Callable[[Endpoint], object]:
        """What tells pods apart besides labels.

        The atoms of addresses that may mean pods, and service accounts where policies name them.
        """
        readings = {
            "ip_block": self.profile.block_matches_pods,
            "networks": self.profile.networks_match_pods,
            "nodes": "yes",
        }
        peers = [peer for d in DIRECTIONS for peer in block_peers(self.policies, d)]
        read = [p.block for p in peers if p.block and readings.get(p.block_of, "no") != "no"]
        ranges = [entry for block in read for entry in block.ranges]
        ranges += [entry for d in DIRECTIONS for entry in entity_ranges(self.policies, d)]
        atoms = AddressAtoms(ranges)
        accounts = any(c.source == "account" for c in label_conditions(self.policies))

        def key(endpoint: Endpoint) -> object:
            account = (endpoint.namespace, endpoint.account) if accounts else ()
            if not (ranges and endpoint.addresses):
                return account, ()
            found = map(address, endpoint.addresses)
            return account, tuple(sorted({atoms.of_range(entry) for entry in found if entry}))

        return key

    def _select(self) -> None:
        """Find for each direction and class the policies that select it."""
        count = self.classes.count
        self.selected: dict[Direction, list[list[int]]] = {
            direction: [[] for _ in range(count)] for direction in DIRECTIONS
        }
        self._perhaps: dict[tuple[Direction, int], list[int]] = {}
        for number, policy in enumerate(self.policies):
            subject = self.subject(policy)
            chosen, unsure = bits(subject.must), bits(subject.may & ~subject.must)
            for direction in policy.directions:
                lists = self.selected[direction]
                for index in chosen:
                    lists[index].append(number)
                for index in unsure:
                    self._perhaps.setdefault((direction, index), []).append(number)

    def subject(self, policy: PodPolicy) -> Mask:
        """The classes that a policy applies to; pods on the host network only perhaps."""
        return self._peers.subject(policy)

    def row(self, direction: Direction, number: int) -> Row:
        """The row of a class in a direction; classes under the same policies share one."""
        found = self._row_of.get((direction, number))
        if found is None:
            found = self._row_of[direction, number] = self._shared_row(direction, number)
        return found

    def _shared_row(self, direction: Direction, number: int) -> Row:
        chosen = self._chosen(direction, number)
        names = self._matching.individual(direction, number, (*chosen.sure, *chosen.perhaps))
        key = (direction, (chosen, names))
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._make_row(direction, chosen, number, names)
        return found

    def _chosen(self, direction: Direction, number: int) -> _Chosen:
        return _Chosen(
            tuple(self.selected[direction][number]),
            tuple(self._perhaps.get((direction, number), ())),
            bool(self._opaque >> number & 1),
            self._tiered and self._elsewhere(direction, number),
        )

    def _elsewhere(self, direction: Direction, number: int) -> bool:
        other: Direction = "ingress" if direction == "egress" else "egress"
        found = {
            side: any(self.policies[n].tier == NAMESPACED for n in self.selected[side][number])
            for side in DIRECTIONS
        }
        return found[other] and not found[direction]

    def _make_row(self, direction: Direction, chosen: _Chosen, number: int, names: object) -> Row:
        if self.profile.enforces == "no":
            return Row(isolated=False, policies=(), grants=(), opaque=False)
        whole = self.everyone(direction)
        if chosen.opaque:
            unknown = Grant(self.ports.everything, 0, whole)
            return Row(bool(chosen.sure), chosen.sure, (unknown,), opaque=True)
        if self._plain(direction, chosen):
            found = self._matching.admitted(direction, chosen.sure, number)
        else:
            found = self._verdicts(direction, chosen, number, names).allowed()
        isolating = {self.policies[n].tier.end for n in chosen.sure}
        grants = tuple(Grant(ports, mask.must, mask.may) for ports, mask in found if ports)
        return Row(
            isolated=bool(chosen.sure or chosen.perhaps),
            policies=chosen.sure,
            grants=grants,
            opaque=bool(chosen.perhaps) and "deny" not in isolating,
        )

    def _plain(self, direction: Direction, chosen: _Chosen) -> bool:
        """Whether only NetworkPolicies, which can but allow, take part."""
        if chosen.perhaps:
            return False
        return all(self._matching.is_plain(direction, number) for number in chosen.sure)

    def _verdicts(
        self, direction: Direction, chosen: _Chosen, number: int, names: object
    ) -> Verdicts:
        """Ask tier after tier."""
        verdicts = Verdicts(self.ports.everything, self.everyone(direction))
        done: tuple[tuple[int, bool], ...] = ()
        for tier, policies in self._matching.tiers(chosen.sure, chosen.perhaps):
            if tier.order > NAMESPACED.order and chosen.elsewhere:
                verdicts.accept(self._baseline_is_skipped())
            if verdicts.settled:
                break
            done += policies
            kept = self._prefixes.get((direction, done, names))
            if kept is None:
                self._matching.ask(verdicts, direction, policies, number)
                if tier.order < NAMESPACED.order:
                    self._prefixes[direction, done, names] = verdicts.copy()
            else:
                verdicts = kept.copy()
        return verdicts

    def _baseline_is_skipped(self) -> Certainty:
        readings: dict[str, Certainty] = {"direction": "no", "pod": "yes", "unknown": "maybe"}
        return readings[self.profile.baseline]

    def peers(self, direction: Direction, rule: Rule, namespace: str) -> Mask:
        """The peers that a rule names: classes and address atoms."""
        return self._peers.of_rule(direction, rule, namespace)

    def everyone(self, direction: Direction) -> int:
        """All classes and all addresses."""
        return self._peers.everyone(direction)

    def peer(self, direction: Direction, peer: Peer, namespace: str) -> Mask:
        """The classes and address atoms that one peer of a rule names."""
        return self._peers.of_peer(direction, peer, namespace)

    def named_ports(self, term: PortTerm, endpoint: Endpoint) -> int:
        """The ports of an endpoint that carry a name, with the protocol of the term."""
        return self._matching.ports_of_name(term, endpoint)

    def open_ports(self, direction: Direction, number: int, test: Callable[[int], bool]) -> Ports:
        """The ports that a class lets through for a set of peers (or addresses) all together.

        `test` tells whether a mask of peers is enough of them; it must be monotone.
        """
        row = self.row(direction, number)
        whole = self.ports.everything
        if not row.isolated:
            return Ports(0 if row.opaque else whole, whole)
        must = [(grant.ports, grant.must) for grant in row.grants]
        may = [(grant.ports, grant.may) for grant in row.grants]
        return Ports(_enough(must, test), _enough(may, test))

    def naming(
        self,
        direction: Direction,
        number: int,
        test: Callable[[int], bool],
        action: Action = "allow",
    ) -> list[tuple[int, Rule]]:
        """The rules of an action, with the index of their policy, that alone mean enough peers."""
        return [
            (policy, rule)
            for policy in self.row(direction, number).policies
            for rule, peers in self._matching.rules(direction, policy)
            if rule.action == action and test(peers.may)
        ]

    def decisions(
        self, direction: Direction, number: int, peer_bit: int, ports: int
    ) -> list[Decision]:
        """What decides about one peer of a class at some ports (atoms of one port), in order.

        Ends with the first certain decision that is no `pass`; empty where everything is allowed
        because no policy has a say.
        """
        chosen = self._chosen(direction, number)
        found: list[Decision] = []
        skipping = self._skipping(direction, number) if chosen.elsewhere else []
        for tier, policies in self._matching.tiers(chosen.sure, chosen.perhaps):
            if tier.order > NAMESPACED.order:
                found, skipping = [*found, *skipping], []
            if any(decision.certain and decision.action != "pass" for decision in found):
                return found
            found += self._matching.decisions(direction, policies, number, (peer_bit, ports))
        return [*found, *skipping]

    def _skipping(self, direction: Direction, number: int) -> list[Decision]:
        """The NetworkPolicies of the other direction that keep the baseline tier from deciding."""
        if self.profile.baseline == "direction":
            return []
        certain = self.profile.baseline == "pod"
        other: Direction = "ingress" if direction == "egress" else "egress"
        return [
            Decision(policy, None, "allow", certain)
            for policy in self.selected[other][number]
            if self.policies[policy].tier == NAMESPACED
        ]

    def speaks(self, direction: Direction, rule: Rule, number: int) -> int:
        """The ports that a rule in force for a class speaks of, whoever the peer is."""
        return self._matching.speaks(direction, rule, number)

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
        return Ports(must, may)

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
