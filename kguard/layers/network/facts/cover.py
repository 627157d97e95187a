# SPDX-License-Identifier: Apache-2.0
"""Does one rule say all that another one says, whatever pods there are?

A comparison of the texts, not of their effect on the pods of the input: what is found redundant
stays so when pods come and go. Authority for what selectors, blocks and ports mean:
`kguard.inventory.selectors` and networking/v1 types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from kguard.inventory.selectors import Requirement, Selector
from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Direction,
    Peer,
    PodPolicy,
    PortTerm,
    Rule,
)

_MAX_COMPARED = 400
"""Rules of a namespace and direction; above that, only those that admit everyone cover others."""


class Covered(msgspec.Struct, frozen=True):
    """A rule that adds nothing, and the one that says as much or more."""

    direction: Direction
    rule: Rule
    policy: PodPolicy
    """The policy of the covering rule."""
    by: Rule


class Redundancy:
    """What the policies of one namespace say twice; the first by name is the one to stay."""

    def __init__(self, policies: Sequence[PodPolicy]) -> None:
        self.whole: dict[str, tuple[PodPolicy, ...]] = {}
        """Policies (by id) without which nothing changes, with those that do the same."""
        self.parts: dict[str, list[Covered]] = {}
        """Rules, by the id of a policy that is not redundant as a whole."""
        self._all = sorted(policies, key=lambda p: p.name)
        self._wide: dict[int, frozenset[int]] = {}
        self._rules = {direction: self._candidates(direction) for direction in DIRECTIONS}
        for policy in reversed(self._all):
            others = () if _has_idle_rules(policy) else self._instead(policy)
            if others:
                self.whole[policy.id] = others
        for policy in self._all:
            found = [] if policy.id in self.whole else list(self._parts(policy))
            if found:
                self.parts[policy.id] = found

    def _candidates(self, direction: Direction) -> list[tuple[PodPolicy, Rule]]:
        found = [(policy, rule) for policy in self._all for rule in policy.rules(direction)]
        if len(found) <= _MAX_COMPARED:
            return found
        return [(policy, rule) for policy, rule in found if rule.admits_everyone]

    def _instead(self, policy: PodPolicy) -> tuple[PodPolicy, ...]:
        """The policies that together do what one does; empty if there are none."""
        found: dict[str, PodPolicy] = {}
        for direction in policy.directions:
            isolating = next(self._isolating(policy, direction), None)
            if isolating is None:
                return ()
            found[isolating.name] = isolating
            for rule in policy.rules(direction):
                covered = next(self._covering(policy, direction, rule, own=False), None)
                if covered is None:
                    return ()
                found[covered.policy.name] = covered.policy
        return tuple(found[name] for name in sorted(found))

    def _isolating(self, policy: PodPolicy, direction: Direction) -> Iterator[PodPolicy]:
        for other in self._all:
            if other is policy or other.id in self.whole or direction not in other.directions:
                continue
            if id(other) in self._wider(policy):
                yield other

    def _wider(self, policy: PodPolicy) -> frozenset[int]:
        """The policies (by identity) that select whatever the policy selects."""
        found = self._wide.get(id(policy))
        if found is None:
            covering = (p for p in self._all if selector_covers(p.selector, policy.selector))
            found = self._wide[id(policy)] = frozenset(map(id, covering))
        return found

    def _covering(
        self, policy: PodPolicy, direction: Direction, rule: Rule, *, own: bool
    ) -> Iterator[Covered]:
        wider = self._wider(policy)
        for other, candidate in self._rules[direction]:
            if other is policy and (not own or candidate is rule):
                continue
            if other.id in self.whole or id(other) not in wider:
                continue
            if rule_covers(candidate, other.namespace, rule, policy.namespace):
                yield Covered(direction, rule, other, candidate)

    def _parts(self, policy: PodPolicy) -> Iterator[Covered]:
        for direction in DIRECTIONS:
            gone: set[str] = set()
            for rule in reversed(policy.rules(direction)):
                for covered in self._covering(policy, direction, rule, own=True):
                    # Of two that say the same, the first stays.
                    if covered.policy is policy and covered.by.pointer in gone:
                        continue
                    if _comes_first(covered, policy):
                        gone.add(rule.pointer)
                        yield covered
                        break


def _has_idle_rules(policy: PodPolicy) -> bool:
    """Whether it would do more if it restricted the direction that its rules stand in."""
    return any(policy.written(d) and d not in policy.directions for d in DIRECTIONS)


def _comes_first(covered: Covered, policy: PodPolicy) -> bool:
    """Whether the covering rule stays if both say the same."""
    if covered.policy is policy:
        return True
    back = selector_covers(policy.selector, covered.policy.selector) and rule_covers(
        covered.rule, policy.namespace, covered.by, covered.policy.namespace
    )
    return not back or covered.policy.name < policy.name


def shadows(policies: Sequence[PodPolicy]) -> dict[str, list[Covered]]:
    """Rules that never decide, by the id of their policy: an earlier one takes all they speak of.

    Earlier is what stands before in a policy of ordered rules, or in a policy that is certainly
    asked before; a rule that passes on is earlier in its own tier only.
    """
    found: dict[str, list[Covered]] = {}
    ordered = sorted(policies, key=lambda p: (p.rank, p.id))
    for direction in DIRECTIONS:
        before: list[tuple[PodPolicy, Rule]] = []
        for policy in ordered:
            if len(before) > _MAX_COMPARED:
                break
            for rule in policy.rules(direction):
                covering = (e for e in before if _decides_before(*e, policy, rule))
                for other, by in islice(covering, 1):
                    covered = Covered(direction, rule, other, by)
                    found.setdefault(policy.id, []).append(covered)
                if _is_ordered(policy) and rule.own is None and not rule.doubt:
                    before.append((policy, rule))
    return found


def _is_ordered(policy: PodPolicy) -> bool:
    """Whether rules decide one after the other, as in network-policy-api and in Calico's kinds."""
    kind = policy.id.partition("/")[0]
    return kind.endswith(("policy.networking.k8s.io", "projectcalico.org"))


def _decides_before(other: PodPolicy, by: Rule, policy: PodPolicy, rule: Rule) -> bool:
    if other.id != policy.id and other.rank >= policy.rank:
        return False
    if by.action == "pass" and other.tier != policy.tier:
        return False
    return _subject_covers(other, policy) and rule_covers(
        by, other.namespace, rule, policy.namespace
    )


def _subject_covers(wide: PodPolicy, narrow: PodPolicy) -> bool:
    if wide.pods is not None or narrow.pods is not None:
        return wide.id == narrow.id
    spaces = (
        wide.spaces if wide.spaces is not None else _only(wide.namespace),
        narrow.spaces if narrow.spaces is not None else _only(narrow.namespace),
    )
    return selector_covers(*spaces) and selector_covers(wide.selector, narrow.selector)


def rule_covers(wide: Rule, wide_namespace: str, narrow: Rule, narrow_namespace: str) -> bool:
    """Whether a rule admits everyone that another one admits, at least at the same ports."""
    if not ports_cover(wide.ports, narrow.ports):
        return False
    if wide.admits_everyone:
        return True
    return bool(narrow.peers) and all(
        any(_peer_covers(mine, wide_namespace, other, narrow_namespace) for mine in wide.peers)
        for other in narrow.peers
    )


def ports_cover(wide: Sequence[PortTerm], narrow: Sequence[PortTerm]) -> bool:
    """Whether every port of a list is in another one (no list means every port)."""
    if not wide:
        return True
    return bool(narrow) and all(any(_inside(term, other) for other in wide) for term in narrow)


def _inside(term: PortTerm, other: PortTerm) -> bool:
    if term.protocol != other.protocol or (other.name and term.name != other.name):
        return False
    return other.low <= term.low and term.high <= other.high


def _peer_covers(wide: Peer, wide_namespace: str, narrow: Peer, narrow_namespace: str) -> bool:
    if wide.entity is not None or narrow.entity is not None or wide.doubt:
        return False
    if wide.block is not None or narrow.block is not None:
        if wide.block_of != narrow.block_of:
            return False
        if wide.block is None or narrow.block is None:
            return False
        return all(_holds(wide.block.ranges, entry) for entry in narrow.block.ranges)
    spaces = (
        wide.namespaces if wide.namespaces is not None else _only(wide_namespace),
        narrow.namespaces if narrow.namespaces is not None else _only(narrow_namespace),
    )
    pods = (wide.pods or Selector(), narrow.pods or Selector())
    return selector_covers(*spaces) and selector_covers(*pods)


def _only(namespace: str) -> Selector:
    return Selector((Requirement(NAME_LABEL, "In", (namespace,)),))


def _holds(ranges: Sequence[AddressRange], entry: AddressRange) -> bool:
    return any(
        have.family == entry.family and have.low <= entry.low and entry.high <= have.high
        for have in ranges
    )


def selector_covers(wide: Selector, narrow: Selector) -> bool:
    """Whether all labels that the narrow one selects are certainly selected by the wide one."""
    for wanted in wide.requirements:
        for given in narrow.requirements:
            if _implies(given, wanted):
                break
        else:
            return False
    return True


def _implies(given: Requirement, wanted: Requirement) -> bool:
    if given.key != wanted.key:
        return False
    match (given.operator, wanted.operator):
        case ("In", "In"):
            return set(given.values) <= set(wanted.values)
        case ("In", "NotIn"):
            return not set(given.values) & set(wanted.values)
        case ("NotIn", "NotIn"):
            return set(wanted.values) <= set(given.values)
        case ("In" | "Exists", "Exists") | ("DoesNotExist", "NotIn" | "DoesNotExist"):
            return True
        case _:
            return False
