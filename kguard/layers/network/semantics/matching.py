# SPDX-License-Identifier: Apache-2.0
"""What does each rule match, and in which order are the rules of a class asked?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from kguard.layers.network.semantics.endpoints import NOTHING, Classes, Endpoint, Mask, from_bits
from kguard.layers.network.semantics.peers import Peers
from kguard.layers.network.semantics.policy import (
    NAMESPACED,
    Action,
    Direction,
    PodPolicy,
    PortTerm,
    Rule,
    Tier,
)
from kguard.layers.network.semantics.ports import PortAtoms, PortSpan
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.tiers import Certainty, Step, Verdicts


class Decision(msgspec.Struct, frozen=True):
    """One step on the way to a verdict: a rule that matches, or the end of a tier."""

    policy: int
    """Index into the policies."""
    rule: Rule | None
    """None where the end of the tier decides: the policy isolates, and no rule matched."""
    action: Action
    certain: bool


Chosen = tuple[tuple[int, bool], ...]
"""Policies (by index) that select a class, each with certainty or perhaps, the first first."""


class Matching:
    """The rules of a set of policies as peers and ports."""

    def __init__(
        self,
        policies: Sequence[PodPolicy],
        names: frozenset[str],
        classes: Classes,
        ports: PortAtoms,
        peers: Peers,
        profile: Profile,
    ) -> None:
        self._policies = policies
        self._names = names
        self._classes = classes
        self._ports = ports
        self._peers = peers
        self._profile = profile
        self._carriers: dict[tuple[str, int, int, str], list[tuple[int, int]]] = {}
        self._rules: dict[tuple[Direction, int], list[tuple[Rule, Mask]]] = {}
        self._choosy = {
            (direction, number)
            for number, policy in enumerate(policies)
            for direction in policy.directions
            if any(rule.own is not None for rule in policy.rules(direction))
        }

    def rules(self, direction: Direction, policy: int) -> list[tuple[Rule, Mask]]:
        """The rules of a policy that are in force, with their peers."""
        found = self._rules.get((direction, policy))
        if found is None:
            namespace = self._policies[policy].namespace
            rules = self._policies[policy].rules(direction)
            found = [(rule, self._peers.of_rule(direction, rule, namespace)) for rule in rules]
            self._rules[direction, policy] = found
        return found

    def is_plain(self, direction: Direction, policy: int) -> bool:
        """Whether a policy can only isolate and allow, as a NetworkPolicy does."""
        found = self._policies[policy]
        return (
            found.tier == NAMESPACED
            and direction not in found.lenient
            and all(rule.action == "allow" for rule in found.rules(direction))
        )

    def individual(self, direction: Direction, number: int, policies: Sequence[int]) -> object:
        """What tells a class apart from others under the same policies.

        Ports of names that rules use, or that rules are for some of the selected pods only.
        """
        alone = number if any((direction, p) in self._choosy for p in policies) else -1
        if not self._names or direction == "egress":
            return alone
        ports = self._classes.representatives[number].ports
        return alone, tuple((p.name, p.protocol, p.number) for p in ports if p.name in self._names)

    def admitted(
        self, direction: Direction, policies: Sequence[int], number: int
    ) -> list[tuple[int, Mask]]:
        """What policies that only isolate and allow let through; without any, everything."""
        if not policies:
            whole = self._peers.everyone(direction)
            return [(self._ports.everything, Mask(whole, whole))]
        merged: dict[int, Mask] = {}
        for policy in policies:
            for rule, peers in self.rules(direction, policy):
                self._merge(merged, direction, rule, peers, number)
        return list(merged.items())

    def _merge(
        self, merged: dict[int, Mask], direction: Direction, rule: Rule, peers: Mask, number: int
    ) -> None:
        for ports, mask in self._matches(direction, rule, peers, number):
            merged[ports] = merged.get(ports, NOTHING) | mask

    def tiers(self, sure: Sequence[int], perhaps: Sequence[int]) -> Iterator[tuple[Tier, Chosen]]:
        """The policies in the order in which they are asked, by tier."""
        chosen = [(number, True) for number in sure] + [(number, False) for number in perhaps]
        chosen.sort(key=lambda entry: (self._policies[entry[0]].rank, entry))
        for tier, group in groupby(chosen, lambda entry: self._policies[entry[0]].tier):
            yield tier, tuple(group)

    def ask(self, verdicts: Verdicts, direction: Direction, policies: Chosen, number: int) -> None:
        """Let the policies of one tier decide about a class."""
        ends: Certainty = "no"
        for _, group in groupby(policies, lambda entry: self._policies[entry[0]].rank):
            equals = [self._steps(direction, entry, number) for entry in group]
            actions = {action for steps in equals for action, _ in steps}
            if len(equals) > 1 and len(actions) > 1:
                verdicts.apply_any_first(equals)
                continue
            for step in _joined(equals) if len(equals) > 1 else equals[0]:
                verdicts.apply(step)
        for policy, sure in policies:
            found = self._policies[policy]
            if found.tier.end == "deny" and direction not in found.lenient:
                ends = "yes" if sure or ends == "yes" else "maybe"
        verdicts.end_tier(ends)

    def decisions(
        self, direction: Direction, policies: Chosen, number: int, question: tuple[int, int]
    ) -> list[Decision]:
        """What the policies of one tier say about one peer (bit) and port (atoms), in order."""
        found: list[Decision] = []
        for _, group in groupby(policies, lambda entry: self._policies[entry[0]].rank):
            for entry in group:
                found += self._first(direction, entry, number, question)
            if any(decision.certain for decision in found):
                return found
        return found + [
            Decision(policy, None, "deny", sure)
            for policy, sure in policies
            if self._policies[policy].tier.end == "deny"
            and direction not in self._policies[policy].lenient
        ]

    def _first(
        self, direction: Direction, entry: tuple[int, bool], number: int, question: tuple[int, int]
    ) -> Iterator[Decision]:
        """The rules of a policy that match, up to the first that does so with certainty."""
        policy, sure = entry
        bit, wanted = question
        for rule, peers in self.rules(direction, policy):
            matches = self._matches(direction, rule, peers, number)
            masks = [mask for ports, mask in matches if ports & wanted]
            if any(mask.may >> bit & 1 for mask in masks):
                certain = sure and any(mask.must >> bit & 1 for mask in masks)
                yield Decision(policy, rule, rule.action, certain)
                if certain:
                    return

    def _steps(self, direction: Direction, entry: tuple[int, bool], number: int) -> list[Step]:
        policy, sure = entry
        found: list[tuple[Action, dict[int, Mask]]] = []
        for rule, peers in self.rules(direction, policy):
            if not found or found[-1][0] != rule.action:
                found.append((rule.action, {}))
            mask = peers if sure else Mask(0, peers.may)
            self._merge(found[-1][1], direction, rule, mask, number)
        return [(action, matches) for action, matches in found]

    def _matches(
        self, direction: Direction, rule: Rule, peers: Mask, number: int
    ) -> list[tuple[int, Mask]]:
        if rule.own is not None:
            own = self._peers.of_entity(direction, rule.own, pods_only=True)
            peers = Mask(
                peers.must if own.must >> number & 1 else 0,
                peers.may if own.may >> number & 1 else 0,
            )
        if not rule.ports:
            return [(self._ports.everything, peers)]
        certain = perhaps = 0
        found = []
        for term in rule.ports:
            if not term.name:
                certain |= self._certain(term)
                perhaps |= self._ports.of_span(PortSpan(term.protocol, term.low, term.high))
            elif direction == "ingress":
                named = self.ports_of_name(term, self._classes.representatives[number])
                certain |= named if term.certain_to else 0
                perhaps |= named
            else:
                found += self._named_egress(term, peers)
        if certain:
            found.append((certain, peers))
        if perhaps & ~certain:
            found.append((perhaps & ~certain, Mask(0, peers.may)))
        return found

    def _certain(self, term: PortTerm) -> int:
        """The ports of a span that the plugin knows for certain."""
        high = min(term.high, term.certain_to)
        return self._ports.of_span(PortSpan(term.protocol, term.low, high)) if high else 0

    def _named_egress(self, term: PortTerm, peers: Mask) -> list[tuple[int, Mask]]:
        """A name means another number on each peer; addresses have no names."""
        key = (term.protocol, term.low, term.high, term.name)
        found = self._carriers.get(key)
        if found is None:
            by_ports: dict[int, list[int]] = {}
            for number, endpoint in enumerate(self._classes.representatives):
                by_ports.setdefault(self.ports_of_name(term, endpoint), []).append(number)
            by_ports.pop(0, None)
            size = self._classes.count
            found = [(ports, from_bits(numbers, size)) for ports, numbers in by_ports.items()]
            self._carriers[key] = found
        sure = peers if term.certain_to else Mask(0, peers.may)
        return [(ports, sure & Mask(mask, mask)) for ports, mask in found]

    def ports_of_name(self, term: PortTerm, endpoint: Endpoint) -> int:
        """The ports of an endpoint that carry a name, with the protocol of the term if any."""
        if endpoint.host_network and self._profile.host_network == "node":
            # To such a plugin they are addresses of their node, which have no names for ports.
            return 0
        named = [port for port in endpoint.ports if port.name == term.name]
        if self._profile.first_named_port:
            named = named[:1]
        found = 0
        for port in named:
            if term.protocol in ("", port.protocol) and term.low <= port.number <= term.high:
                found |= self._ports.of_port(port.protocol, port.number)
        return found

    def speaks(self, direction: Direction, rule: Rule, number: int) -> int:
        """The ports that a rule in force for a class speaks of, whoever the peer is."""
        whole = self._peers.everyone(direction)
        found = 0
        for ports, _ in self._matches(direction, rule, Mask(whole, whole), number):
            found |= ports
        return found


def _joined(equals: Sequence[Sequence[Step]]) -> list[Step]:
    """Policies with the same single action: nothing depends on their order."""
    merged: dict[Action, dict[int, Mask]] = {}
    for action, matches in (step for steps in equals for step in steps):
        together = merged.setdefault(action, {})
        for ports, mask in matches.items():
            together[ports] = together.get(ports, NOTHING) | mask
    return list(merged.items())
