# SPDX-License-Identifier: Apache-2.0
"""Which ports, port names, label keys and addresses do the policies mention at all?

Whatever they do not mention need not be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.endpoints import Endpoint
from kguard.layers.network.semantics.expressions import Condition, conditions
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Direction,
    Entity,
    Peer,
    PodPolicy,
    Rule,
)
from kguard.layers.network.semantics.ports import MAX_PORT, PROTOCOLS, PortSpan


def rules_in_force(policies: Sequence[PodPolicy]) -> list[Rule]:
    """The rules of all policies and directions."""
    return [
        rule for policy in policies for direction in DIRECTIONS for rule in policy.rules(direction)
    ]


def port_spans(endpoints: Sequence[Endpoint], policies: Sequence[PodPolicy]) -> list[PortSpan]:
    """The ports that rules speak of, and those that the names in rules mean."""
    terms = [term for rule in rules_in_force(policies) for term in rule.ports]
    names = port_names(policies)
    found = {
        PortSpan(term.protocol, term.low, high)
        for term in terms
        if not term.name
        for high in (term.high, min(term.high, term.certain_to))
        if high
    }
    if not names:
        return sorted(found)
    for endpoint in endpoints:
        for port in endpoint.ports:
            if port.name in names and port.protocol in PROTOCOLS and 1 <= port.number <= MAX_PORT:
                found.add(PortSpan(port.protocol, port.number, port.number))
    return sorted(found)


def port_names(policies: Sequence[PodPolicy]) -> frozenset[str]:
    """The names of ports in rules."""
    rules = rules_in_force(policies)
    return frozenset(term.name for rule in rules for term in rule.ports if term.name)


def label_keys(policies: Sequence[PodPolicy]) -> frozenset[str]:
    """The keys of pod labels."""
    selectors = {policy.selector for policy in policies}
    for rule in rules_in_force(policies):
        selectors.update(peer.pods for peer in rule.peers if peer.pods is not None)
    found = {entry.key for selector in selectors for entry in selector.requirements}
    found.update(c.key for c in label_conditions(policies) if c.source == "pod")
    return frozenset(found)


def label_conditions(policies: Sequence[PodPolicy]) -> frozenset[Condition]:
    """The conditions of the policies whose kind has selectors of its own."""
    found = {policy.pods for policy in policies if policy.pods is not None}
    for rule in rules_in_force(policies):
        for entity in _entities(rule):
            found.update(g.pods for g in (entity.group, entity.not_group) if g is not None)
    return frozenset(entry for expression in found for entry in conditions(expression))


def _entities(rule: Rule) -> Iterator[Entity]:
    if rule.own is not None:
        yield rule.own
    yield from (peer.entity for peer in rule.peers if peer.entity is not None)


def _written(policies: Sequence[PodPolicy], direction: Direction) -> Iterator[Rule]:
    return (rule for policy in policies for rule in policy.written(direction))


def entity_ranges(policies: Sequence[PodPolicy], direction: Direction) -> list[AddressRange]:
    """The addresses that entities of a direction speak of, of rules in force or not."""
    found: list[AddressRange] = []
    for entity in (entity for rule in _written(policies, direction) for entity in _entities(rule)):
        for group in (entity.group, entity.not_group):
            found += group.ranges if group is not None else ()
        for block in (entity.nets, entity.not_nets):
            found += block.ranges if block is not None else ()
    return found


def block_peers(policies: Sequence[PodPolicy], direction: Direction) -> Iterator[Peer]:
    """The peers that are addresses, of rules in force or not."""
    for rule in _written(policies, direction):
        yield from (peer for peer in rule.peers if peer.block is not None)


def block_ranges(policies: Sequence[PodPolicy], direction: Direction) -> list[AddressRange]:
    """The addresses that rules of a direction speak of."""
    return entity_ranges(policies, direction) + [
        entry
        for peer in block_peers(policies, direction)
        if peer.block is not None
        for entry in peer.block.ranges
    ]
