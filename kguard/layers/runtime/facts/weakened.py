# SPDX-License-Identifier: Apache-2.0
"""Which changes leave rules that can still fire, but see less or tell of it with less urgency?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kguard.layers.runtime.facts.judged import WORDS
from kguard.layers.runtime.facts.rulesets import Rules, load_texts
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.semantics.changes import Change, Impact
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.overrides import PRELUDE, stood_in
from kguard.layers.runtime.semantics.scenarios import Scenario, noticed
from kguard.layers.runtime.semantics.shadowing import Shadows
from kguard.layers.runtime.semantics.weakening import Gap, gap
from kguard.model.facts import runtime as model
from kguard.model.manifests import ObjectRef

SHOWN = 3
"""Conditions that are shown of what a change leaves out."""


def weakened(
    rules: Rules, owner: ObjectRef, enabled: Sequence[str], scenarios: Sequence[Scenario]
) -> Iterator[model.Weakening]:
    """What each change takes from the rules in force that it leaves alive."""
    found: dict[Change, list[Impact]] = {}
    in_force = frozenset(enabled)
    for impact in rules.changes.impacts:
        if impact.rule in in_force and not rules.is_dead(impact.rule):
            found.setdefault(impact.change, []).append(impact)
    for change, impacts in found.items():
        yield from _narrowed(rules, owner, change, impacts, scenarios)
        yield from _demoted(rules, owner, change, impacts)
    for change in rules.changes.untried:
        yield from _weakening(rules, owner, change, "unknown", [], Gap("unknown"), [])


def partly_weakened(
    rules: Rules, owner: ObjectRef, scenarios: Sequence[Scenario]
) -> Iterator[model.Weakening]:
    """The same for changes of rules that are not in the input, with stand-ins for those.

    Of macros and lists it is not known what they change.
    """
    whole = stood_in(rules.files(), rules.environment)
    if not whole:
        return
    prelude = Text(PRELUDE, whole[0].content, owner, "")
    known = load_texts([prelude, *rules.texts], (), rules.environment, rules.syscalls)
    found = weakened(known, owner, known.ruleset.order(), scenarios)
    yield from (one for one in found if one.cause == "rule")


def _narrowed(
    rules: Rules,
    owner: ObjectRef,
    change: Change,
    impacts: Sequence[Impact],
    scenarios: Sequence[Scenario],
) -> Iterator[model.Weakening]:
    """One entry for each width, with the rules that it concerns."""
    loaded = rules.ruleset.compiled.rules
    gaps = {i.rule: gap(i.before.condition, loaded[i.rule].condition) for i in impacts}
    lost = {i.rule: _lost(i, rules, scenarios) for i in impacts}
    widths = {found.breadth for found in gaps.values() if found is not None}
    for breadth in sorted(widths):
        names = [n for n, found in gaps.items() if found is not None and found.breadth == breadth]
        texts = [text for name in names if (one := gaps[name]) for text in one.excluded]
        whole = Gap(breadth, tuple(dict.fromkeys(texts)))
        ids = [scenario.id for scenario in scenarios if any(scenario.id in lost[n] for n in names)]
        yield from _weakening(rules, owner, change, "narrowed", names, whole, ids)


def _lost(impact: Impact, rules: Rules, scenarios: Sequence[Scenario]) -> set[str]:
    """The scenarios that the rule saw before the change and does not see with it."""
    after = rules.ruleset.compiled.rules[impact.rule]
    return {
        scenario.id
        for scenario in scenarios
        if noticed(impact.before, scenario) and noticed(after, scenario) is False
    }


def _demoted(
    rules: Rules, owner: ObjectRef, change: Change, impacts: Sequence[Impact]
) -> Iterator[model.Weakening]:
    loaded = rules.ruleset.compiled.rules
    names = [
        impact.rule
        for impact in impacts
        if impact.before.info.priority < loaded[impact.rule].info.priority
    ]
    if names:
        yield from _weakening(rules, owner, change, "demoted", names, Gap("specific"), [])


def _weakening(
    rules: Rules,
    owner: ObjectRef,
    change: Change,
    effect: Literal["narrowed", "demoted", "unknown"],
    names: Sequence[str],
    found: Gap,
    detections: list[str],
) -> Iterator[model.Weakening]:
    text = rules.text_of(change.file)
    if text is None:
        return
    note = f"{WORDS.get(change.how, change.how)} the {change.kind} {change.name}"
    yield model.Weakening(
        ref=text.owner,
        installation=owner,
        cause=change.kind,
        name=change.name,
        effect=effect,
        breadth=found.breadth,
        excluded=list(found.excluded[:SHOWN]),
        detections=detections,
        rules=sorted(names),
        file=text.name,
        line=change.line,
        because=[text.at(change.line, note)],
    )


def shadowed(rules: Rules, owner: ObjectRef, found: Shadows) -> Iterator[model.Shadow]:
    """The rules in force whose every event an earlier one takes."""
    loaded = rules.ruleset.compiled.rules
    for name, earlier in found.by.items():
        info, other = loaded[name].info, loaded[earlier].info
        text = rules.text_of(info.context.file)
        if text is None:
            continue
        because = [text.at(info.context.line, f"the rule {name}")]
        first = rules.text_of(other.context.file)
        if first is not None:
            because.append(first.at(other.context.line, f"{earlier} matches first", "related"))
        yield model.Shadow(
            ref=text.owner,
            installation=owner,
            rule=name,
            priority=PRIORITIES[info.priority],
            by=earlier,
            by_priority=PRIORITIES[other.priority],
            because=because,
        )
