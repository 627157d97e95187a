# SPDX-License-Identifier: Apache-2.0
"""Which rules that are shipped switched off would notice an attack that nothing in force does?

Not those that fire at what happens all the time, nor those with a list that waits for its user:
such a rule is off because it says nothing yet, or too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from kguard.layers.runtime.remedy.places import Setup
from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.losses import silence
from kguard.layers.runtime.semantics.scenarios import ORDINARY, SCENARIOS, Scenario, noticed

_WORD = re.compile(r"[^ \t\n\r(),=]+")


class Choice(msgspec.Struct):
    """What to switch on."""

    rules: list[str] = []
    noisy: list[tuple[str, str]] = []
    """Rules that would notice, but also raise an alert for what is no attack: with its title."""
    suffices: bool = True
    """Whether every attack would be noticed then."""


def disabled_rules(setup: Setup, missing: Sequence[str]) -> Choice:
    """The rules to switch on so that attacks are noticed, the first loaded one for each.

    Args:
        setup: the Falco with its rules.
        missing: ids of scenarios.
    """
    chosen = Choice(suffices=bool(missing))
    off = dict(_shipped_off(setup))
    for identity in missing:
        scenario = next((one for one in SCENARIOS if one.id == identity), None)
        heard = scenario and scenario.event_type not in setup.rules.syscalls.unheard
        seeing = [n for n, rule in off.items() if heard and scenario and noticed(rule, scenario)]
        quiet = [name for name in seeing if not _noise(off[name])]
        chosen.rules += [name for name in quiet[:1] if name not in chosen.rules]
        if not quiet:
            chosen.suffices = False
            known = [name for name, _ in chosen.noisy]
            chosen.noisy += [
                (name, f"{name} raises an alert: {one.title}")
                for name in seeing
                if name not in known and (one := _noise(off[name]))
            ]
    return chosen


def _noise(rule: CompiledRule) -> Scenario | None:
    return next((one for one in ORDINARY if noticed(rule, one)), None)


def _shipped_off(setup: Setup) -> Iterator[tuple[str, CompiledRule]]:
    """The rules that their own definition switches off, and that could fire if it did not."""
    falco, rules = setup.falco, setup.rules
    if not rules.is_complete or not rules.ruleset.successful:
        return
    selections = falco.selections if falco else ()
    minimum = falco.settings.minimum if falco else len(PRIORITIES) - 1
    lists = rules.ruleset.definitions.lists
    for name, rule in rules.ruleset.compiled.rules.items():
        quiet = silence(rule, selections, minimum)
        waits = any(w in lists and not lists[w].items for w in _WORD.findall(rule.text))
        by_itself = quiet is not None and quiet.by == "definition"
        if by_itself and not waits and rule.info.priority <= minimum and not rules.is_dead(name):
            yield name, rule
