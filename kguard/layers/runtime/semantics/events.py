# SPDX-License-Identifier: Apache-2.0
"""For which types of event can a condition be true at all?

Authority: falcosecurity/libs userspace/libsinsp/filter/ppm_codes.cpp: only comparisons of
`evt.type` with constants restrict the set; negation is pushed down to them.
"""

from __future__ import annotations

from functools import lru_cache

from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Field,
    ListValue,
    Not,
    Or,
    Value,
)
from kguard.layers.runtime.semantics.fields import event_types

TOO_MANY = 100
"""Above this number the engine warns of the cost."""

ASYNCHRONOUS = "asyncevent"
PLUGIN = "pluginevent"


def types_of(expression: Expression, *, negated: bool = False) -> frozenset[str]:
    """The event types for which the condition can be true."""
    match expression:
        case Not(child):
            return types_of(child, negated=not negated)
        case And(children) | Or(children):
            sets = [types_of(child, negated=negated) for child in children]
            every = event_types()
            restricted = [names for names in sets if names is not every]
            if isinstance(expression, And) != negated:
                return frozenset.intersection(*restricted) if restricted else every
            return every if len(restricted) < len(sets) else frozenset.union(*sets)
        case Check(left=Field("evt.type")):
            return _types_of_check(expression, negated=negated)
        case _:
            return event_types()


def _types_of_check(check: Check, *, negated: bool) -> frozenset[str]:
    if check.op == "exists":
        return frozenset() if negated else event_types()
    match check.right:
        case Value(text):
            names = frozenset({text})
        case ListValue(items):
            names = frozenset(items)
        case _:
            return event_types()
    if check.op not in ("=", "==", "!=", "in"):
        return event_types()
    names &= event_types()
    return event_types() - names if (check.op == "!=") != negated else names


def described(types: frozenset[str], source: str) -> list[str]:
    """The event types of a rule as `falco -L` lists them; asynchronous events always count."""
    return list(_listed(types if source == "syscall" else frozenset({PLUGIN})))


@lru_cache(maxsize=64)
def _listed(types: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({*types, ASYNCHRONOUS}))
