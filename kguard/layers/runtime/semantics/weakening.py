# SPDX-License-Identifier: Apache-2.0
"""Which events does a rule no longer see because of a change, and how wide is that gap?

The events that a change takes away are those for which the condition was true without it and is
not with it. They are written as alternatives; the narrowest comparison of an alternative says how
wide it is: `proc.name = backup` is one program, `k8s.ns.name = shop` is everything in a namespace.
Negation and missing fields are those of falcosecurity/libs userspace/libsinsp/filter_compare.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kguard.layers.runtime.semantics.breadth import breadth_of, widest
from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Macro,
    Not,
    Or,
    check_text,
    conjuncts,
)
from kguard.layers.runtime.semantics.satisfiability import Signed, never, satisfiable
from kguard.model.facts.runtime import Breadth

MAX_ALTERNATIVES = 1_000
"""Alternatives of a gap that are looked at; of more, the width is not known."""


class Gap(msgspec.Struct, frozen=True):
    """The events that a rule no longer sees."""

    breadth: Breadth
    excluded: tuple[str, ...] = ()
    """The alternatives of this width, as conditions, the shortest first."""


class _TooManyError(Exception):
    pass


def gap(before: Expression, after: Expression) -> Gap | None:
    """The widest part of what the later condition leaves out; None where it leaves out nothing."""
    kept = set(conjuncts(before))
    added = [conjunct for conjunct in conjuncts(after) if conjunct not in kept]
    try:
        found = [
            alternative
            for conjunct in added
            for alternative in _alternatives((conjunct, False))
            if _possible(before, alternative)
        ]
    except _TooManyError:
        return Gap("unknown")
    return _widest_of(before, found)


def _widest_of(before: Expression, alternatives: Sequence[list[Signed]]) -> Gap | None:
    groups: dict[Breadth, list[str]] = {}
    for alternative in alternatives:
        restricting = [part for part in alternative if not _implied(before, part)]
        breadth = breadth_of(
            [(node, wanted) for node, wanted in restricting if isinstance(node, Check)]
        )
        groups.setdefault(breadth, []).append(_text(alternative))
    if not groups:
        return None
    breadth = widest(groups)
    return Gap(breadth, tuple(sorted(set(groups[breadth]), key=lambda text: (len(text), text))))


def _alternatives(signed: Signed) -> list[list[Signed]]:
    """The ways to meet an expression, each as comparisons that must hold or not."""
    node, wanted = signed
    match node:
        case Not(child):
            return _alternatives((child, not wanted))
        case And(children) | Or(children):
            parts = [_alternatives((child, wanted)) for child in children]
            if isinstance(node, And) == wanted:
                return _product(parts)
            return _bounded([way for ways in parts for way in ways])
        case Check() | Macro():
            return [[signed]]


def _product(parts: Sequence[list[list[Signed]]]) -> list[list[Signed]]:
    found: list[list[Signed]] = [[]]
    for ways in parts:
        if len(found) * len(ways) > MAX_ALTERNATIVES:
            raise _TooManyError
        found = [[*one, *other] for one in found for other in ways]
    return found


def _bounded(ways: list[list[Signed]]) -> list[list[Signed]]:
    if len(ways) > MAX_ALTERNATIVES:
        raise _TooManyError
    return ways


def _expression(signed: Signed) -> Expression:
    return signed[0] if signed[1] else Not(signed[0])


def _possible(before: Expression, alternative: Sequence[Signed]) -> bool:
    whole = And((before, *(_expression(part) for part in alternative)))
    return satisfiable(whole).verdict != "dead"


def _implied(before: Expression, part: Signed) -> bool:
    """Whether the rule asks for this anyway, so that it narrows nothing."""
    return satisfiable(And((before, _expression((part[0], not part[1]))))).verdict == "dead"


def _text(alternative: Sequence[Signed]) -> str:
    parts = [
        check_text(node) if wanted else f"not {check_text(node)}"
        for node, wanted in alternative
        if isinstance(node, Check) and not (never(node) and not wanted)
    ]
    return " and ".join(dict.fromkeys(parts))
