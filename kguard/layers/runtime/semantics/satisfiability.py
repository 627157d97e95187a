# SPDX-License-Identifier: Apache-2.0
"""Is there any event for which a condition is true?

A search over the alternatives of the condition with negations pushed to the comparisons; each
alternative keeps one domain a field (`domains`). `dead` is certain: no event whatsoever. What the
domains cannot express (regular expressions, other fields) counts as possible, and a search that is
cut short says `unknown`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.layers.runtime.semantics.domains import Domain, initial_domains, subject
from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    ListValue,
    Macro,
    Not,
    Or,
    check_text,
)

BUDGET = 20_000
"""Comparisons and junctions that one search looks at."""

Verdict = Literal["live", "dead", "unknown"]


class Answer(msgspec.Struct, frozen=True):
    """Whether a condition can be true, and if not, the comparisons that exclude each other."""

    verdict: Verdict
    conflict: tuple[str, ...] = ()


class _BudgetError(Exception):
    pass


Signed = tuple[Expression, bool]


def satisfiable(condition: Expression, *, negated: bool = False, budget: int = BUDGET) -> Answer:
    """Whether a condition (or its negation) can be true for some event."""
    search = _Search(budget)
    try:
        found = search.run([(condition, not negated)], _State(initial_domains()))
    except _BudgetError:
        return Answer("unknown")
    return Answer("live") if found else Answer("dead", search.conflict)


class _State:
    """What one alternative has required so far."""

    __slots__ = ("atoms", "domains", "texts")

    def __init__(self, domains: dict[str, Domain]) -> None:
        self.domains = domains
        self.atoms: dict[str, bool] = {}
        self.texts: dict[str, tuple[str, ...]] = {}

    def copy(self) -> _State:
        """A state that can be narrowed on its own; domains are replaced, never changed."""
        other = _State(dict(self.domains))
        other.atoms, other.texts = dict(self.atoms), dict(self.texts)
        return other

    def assume(self, check: Check, wanted: bool) -> tuple[str, ...] | None:  # noqa: FBT001
        """Require a comparison to hold or not; returns what conflicts, or None."""
        text = check_text(check)
        if self.atoms.setdefault(text, wanted) is not wanted:
            return (text, f"not {text}")
        if wanted and never(check):
            return (text,)
        name = subject(check)
        if name is None:
            return None
        domain = self.domains[name].copy() if name in self.domains else Domain()
        self.domains[name] = domain
        self.texts[name] = (*self.texts.get(name, ()), text if wanted else f"not {text}")
        possible = domain.require(check) if wanted else domain.forbid(check)
        return None if possible else self.texts[name]


def never(check: Check) -> bool:
    """Whether a comparison holds for no value at all, whatever the field."""
    empty = isinstance(check.right, ListValue) and not check.right.items
    return empty and not check.op.endswith("allof")


class _Search:
    def __init__(self, budget: int) -> None:
        self.left = budget
        self.conflict: tuple[str, ...] = ()

    def run(self, pending: list[Signed], state: _State) -> bool:
        """Whether some way to meet everything pending is consistent."""
        choices: list[list[Signed]] = []
        while pending:
            self._count()
            node, wanted = pending.pop()
            match node:
                case Check():
                    conflict = state.assume(node, wanted)
                    if conflict is not None:
                        self._note(conflict)
                        return False
                case Not(child):
                    pending.append((child, not wanted))
                case And(children) | Or(children):
                    parts = [(child, wanted) for child in reversed(children)]
                    if isinstance(node, And) == wanted:
                        pending.extend(parts)
                    else:
                        choices.append(parts)
                case Macro():
                    pass
        return self._choose(choices, state)

    def _choose(self, choices: list[list[Signed]], state: _State) -> bool:
        if not choices:
            return True
        choices.sort(key=len, reverse=True)
        rest = choices[:-1]
        return any(
            self.run([*self._flat(rest), option], state.copy()) for option in reversed(choices[-1])
        )

    def _flat(self, choices: list[list[Signed]]) -> list[Signed]:
        """Choices that are still open, as expressions again."""
        return [(_Choice.of(parts), True) for parts in choices]

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _BudgetError

    def _note(self, conflict: tuple[str, ...]) -> None:
        if not self.conflict or len(conflict) < len(self.conflict):
            self.conflict = conflict


class _Choice:
    """Turns open alternatives back into one expression."""

    @staticmethod
    def of(parts: list[Signed]) -> Expression:
        return Or(tuple(node if wanted else Not(node) for node, wanted in reversed(parts)))
