# SPDX-License-Identifier: Apache-2.0
"""Which rules never get an event because an earlier rule takes every one of theirs?

With `rule_matching: first`, Falco's default, an event raises one alert: that of the first rule that
matches, in the order in which the rules were switched on; rules without event types come last
(falcosecurity/falco userspace/engine/indexable_ruleset.h, `run`). A rule is shadowed by an earlier
one if no event meets its condition and not the earlier one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.events import TOO_MANY
from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Not,
    checks,
    conjuncts,
    fields_of,
)
from kguard.layers.runtime.semantics.satisfiability import satisfiable

MAX_PAIRS = 8_000
"""Pairs of rules that are compared; of larger rulesets, the rest is not known."""
BUDGET = 1_000
"""Comparisons that one search looks at: whether a rule asks for what another does shows early."""


class Shadows(msgspec.Struct):
    """The rules that are shadowed, with the rule that takes their events."""

    by: dict[str, str]
    is_complete: bool = True
    """Whether every pair was compared."""


class _Candidate(msgspec.Struct):
    rule: CompiledRule
    fields: frozenset[str]
    """Fields that the condition mentions."""
    parts: list[Expression]
    """What must all hold, single comparisons first."""
    asked: frozenset[str]
    """Fields of the parts that are single comparisons."""


def shadows(rules: Mapping[str, CompiledRule], order: Sequence[str]) -> Shadows:
    """Compare the rules in force, in their order."""
    known = {name: _candidate(rules[name]) for name in order}
    implied = _Implied(known)
    place = sorted(order, key=lambda name: len(rules[name].types) > TOO_MANY)
    found: dict[str, str] = {}
    pairs = 0
    for later, earlier in _pairs(place, known):
        if later in found or earlier in found:
            continue
        pairs += 1
        if pairs > MAX_PAIRS:
            return Shadows(found, is_complete=False)
        if all(implied(later, part) for part in known[earlier].parts):
            found[later] = earlier
    return Shadows(found)


def _candidate(rule: CompiledRule) -> _Candidate:
    fields = {f.name for check in checks(rule.condition) for f in fields_of(check.left)}
    parts = sorted(conjuncts(rule.condition), key=lambda part: not isinstance(part, Check))
    single = [part for part in parts if isinstance(part, Check)]
    asked = {field.name for part in single for field in fields_of(part.left)}
    return _Candidate(rule, frozenset(fields), parts, frozenset(asked))


def _pairs(order: Sequence[str], known: Mapping[str, _Candidate]) -> Iterator[tuple[str, str]]:
    """Later and earlier rules of one source where the earlier asks for nothing else."""
    for number, later in enumerate(order):
        one = known[later]
        for earlier in order[:number]:
            other = known[earlier]
            if other.asked <= one.fields and _same_events(one, other):
                yield later, earlier


def _same_events(one: _Candidate, other: _Candidate) -> bool:
    """Whether the other rule gets every event that the first gets."""
    if one.rule.info.source != other.rule.info.source:
        return False
    return one.rule.types <= other.rule.types


class _Implied:
    """Whether every event of a rule meets an expression; a rule that may be dead has none."""

    def __init__(self, known: Mapping[str, _Candidate]) -> None:
        self._known = known
        self._alive: dict[str, bool] = {}
        self._answers: dict[tuple[str, Expression], bool] = {}

    def __call__(self, name: str, part: Expression) -> bool:
        if name not in self._alive:
            answer = satisfiable(self._known[name].rule.condition)
            self._alive[name] = answer.verdict == "live"
        key = (name, part)
        if key not in self._answers:
            self._answers[key] = self._alive[name] and self._implies(name, part)
        return self._answers[key]

    def _implies(self, name: str, part: Expression) -> bool:
        whole = And((self._known[name].rule.condition, Not(part)))
        return satisfiable(whole, budget=BUDGET).verdict == "dead"
