# SPDX-License-Identifier: Apache-2.0
"""Which rules can never raise an alert, and which item of which file is to blame?

An item (an override, a redefinition, something appended) is to blame for a dead rule when the rule
could fire if that one item were left out: the ruleset is loaded again without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.definitions import PRIORITIES, Definitions, Step
from kguard.layers.runtime.semantics.environment import Environment
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, Selection, load
from kguard.layers.runtime.semantics.satisfiability import Answer, satisfiable

MAX_SUSPECTS = 64
"""Items that are tried; a ruleset with more changes names no culprit for the rest."""

_WORD = re.compile(r"[^ \t\n\r(),=]+")

Kind = Literal["macro", "list", "rule"]


class Culprit(msgspec.Struct, frozen=True, order=True):
    """An item that takes the effect of one or more rules away."""

    file: str
    line: int
    kind: Kind
    name: str
    how: str


class Silence(msgspec.Struct, frozen=True):
    """Why a rule is not in force."""

    by: Literal["definition", "override", "selection", "priority"]
    step: Step | None = None
    selection: int = -1
    """Number of the deciding step of `rules:`."""


def verdicts(ruleset: Ruleset) -> dict[str, Answer]:
    """Whether each loaded rule can be true for any event."""
    return {name: satisfiable(rule.condition) for name, rule in ruleset.compiled.rules.items()}


def culprits(
    files: Sequence[RulesFile], environment: Environment, ruleset: Ruleset, dead: Sequence[str]
) -> dict[str, Culprit]:
    """For each dead rule the item without which it could fire, if there is a single one."""
    found: dict[str, Culprit] = {}
    needs = {name: _needed(ruleset, name) for name in dead}
    for suspect in list(_suspects(ruleset.definitions, needs))[:MAX_SUSPECTS]:
        rest = [n for n in dead if n not in found and _concerns(suspect, n, needs[n])]
        if not rest:
            continue
        place = frozenset({(suspect.file, suspect.line)})
        without = load(files, environment, place, frozenset(rest))
        rules = without.compiled.rules if without.successful else {}
        for name in rest:
            if name in rules and satisfiable(rules[name].condition).verdict != "dead":
                found[name] = suspect
    return found


def _needed(ruleset: Ruleset, name: str) -> set[str]:
    """The words of a rule's condition, and of the macros and lists among them."""
    definitions = ruleset.definitions
    found: set[str] = set()
    pending = [ruleset.compiled.rules[name].text]
    while pending:
        for word in _WORD.findall(pending.pop()):
            if word in found:
                continue
            found.add(word)
            if word in definitions.macros:
                pending.append(definitions.macros[word].condition)
            if word in definitions.lists:
                pending.append(" ".join(definitions.lists[word].items))
    return found


def _concerns(suspect: Culprit, rule: str, needed: set[str]) -> bool:
    return suspect.name == rule if suspect.kind == "rule" else suspect.name in needed


def _suspects(definitions: Definitions, needs: Mapping[str, set[str]]) -> Iterator[Culprit]:
    """What changed a definition that a dead rule needs after its first, the last changes first."""
    groups: tuple[tuple[Kind, Mapping[str, Any]], ...] = (
        ("macro", definitions.macros),
        ("list", definitions.lists),
        ("rule", definitions.rules),
    )
    for kind, infos in groups:
        for name, info in infos.items():
            for step in reversed(info.steps[1:]):
                suspect = Culprit(step.file, step.line, kind, name, step.how)
                if step.how != "repeated" and any(
                    _concerns(suspect, rule, needed) for rule, needed in needs.items()
                ):
                    yield suspect


def silence(
    rule: CompiledRule,
    selections: Sequence[Selection] = (),
    minimum: int = len(PRIORITIES) - 1,
) -> Silence | None:
    """Why a loaded rule is not in force; None if it is."""
    decided = [n for n, selection in enumerate(selections) if selection.selects(rule)]
    if decided:
        if selections[decided[-1]].action == "disable":
            return Silence("selection", selection=decided[-1])
    elif not rule.info.enabled:
        return _by_file(rule.info.steps)
    if rule.info.priority > minimum:
        return Silence("priority")
    return None


def _by_file(steps: Sequence[Step]) -> Silence:
    for number in range(len(steps) - 1, 0, -1):
        step = steps[number]
        if step.how in ("disabled", "redefined") or "enabled" in step.keys:
            return Silence("override", step)
    return Silence("definition", steps[0])
