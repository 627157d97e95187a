# SPDX-License-Identifier: Apache-2.0
"""Which rules can never raise an alert, and why is a loaded rule not in force?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.definitions import PRIORITIES, Step
from kguard.layers.runtime.semantics.loader import Ruleset, Selection
from kguard.layers.runtime.semantics.satisfiability import Answer, satisfiable


class Silence(msgspec.Struct, frozen=True):
    """Why a rule is not in force."""

    by: Literal["definition", "override", "selection", "priority"]
    step: Step | None = None
    selection: int = -1
    """Number of the deciding step of `rules:`."""


def verdicts(ruleset: Ruleset) -> dict[str, Answer]:
    """Whether each loaded rule can be true for any event."""
    return {name: satisfiable(rule.condition) for name, rule in ruleset.compiled.rules.items()}


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
