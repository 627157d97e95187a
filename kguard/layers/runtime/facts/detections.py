# SPDX-License-Identifier: Apache-2.0
"""Which attacks would the rules of one Falco notice, and what took away the rule that would?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from kguard.layers.runtime.facts.judged import WORDS
from kguard.layers.runtime.facts.rulesets import Rules
from kguard.layers.runtime.facts.texts import Text, line_of
from kguard.layers.runtime.semantics.changes import Change, Impact
from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.losses import Silence, silence
from kguard.layers.runtime.semantics.scenarios import ORDINARY, SCENARIOS, Scenario, noticed
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef


class _Setting(msgspec.Struct, frozen=True, rename="kebab"):
    """A scenario of the user, as `runtime.scenarios` of kguard.yaml has it."""

    id: str
    event: dict[str, str | tuple[str, ...]]
    title: str = ""
    source: str = "syscall"


def scenarios(settings: Mapping[str, object]) -> tuple[Scenario, ...]:
    """Kguard's own scenarios and those of the user."""
    own = msgspec.convert(settings.get("scenarios", ()), tuple[_Setting, ...])
    asked = [
        Scenario(one.id, one.title or one.id, dict(one.event), one.source, asked=True)
        for one in own
    ]
    return (*SCENARIOS, *asked)


class Detections:
    """Judges scenarios against the rules of one Falco."""

    def __init__(
        self,
        rules: Rules,
        owner: ObjectRef,
        selections: Sequence[Selection],
        minimum: int,
        config: Text | None,
    ) -> None:
        self.rules = rules
        self.owner = owner
        self.selections = selections
        self.minimum = minimum
        self.config = config
        self.loaded = rules.ruleset.compiled.rules
        self.order = rules.ruleset.order(selections, minimum)
        self.in_force = frozenset(self.order)
        self.alive = [name for name in self.order if rules.answers[name].verdict != "dead"]

    def all(self, wanted: Sequence[Scenario]) -> Iterator[model.Detection]:
        """Each scenario with the rule that fires first, if one does."""
        for scenario in wanted:
            if not self.rules.is_complete:
                yield self._row(scenario, "unknown", "")
            elif self.rules.ruleset.successful:
                yield self._judged(scenario)

    def ordinary(self) -> Iterator[model.Ordinary]:
        """What is no attack, but raises an alert of a rule in force."""
        for scenario in ORDINARY if self.rules.ruleset.successful else ():
            name = next((n for n in self.alive if self._matches(self.loaded[n], scenario)), "")
            if name:
                info = self.loaded[name].info
                yield model.Ordinary(
                    installation=self.owner,
                    id=scenario.id,
                    title=scenario.title,
                    rule=name,
                    priority=PRIORITIES[info.priority],
                    because=self._at(info.context.file, info.context.line, f"the rule {name}"),
                )

    def _judged(self, scenario: Scenario) -> model.Detection:
        unsure = ""
        for name in self.alive:
            answer = self._matches(self.loaded[name], scenario)
            if answer:
                return self._row(scenario, "fires", name)
            if answer is None:
                unsure = unsure or name
        if unsure:
            return self._row(scenario, "unknown", unsure)
        return self._missed(scenario)

    def _matches(self, rule: CompiledRule, scenario: Scenario) -> bool | None:
        if scenario.event_type in self.rules.syscalls.unheard:
            return False
        return noticed(rule, scenario)

    def _missed(self, scenario: Scenario) -> model.Detection:
        for name, rule in self.loaded.items():
            quiet = silence(rule, self.selections, self.minimum)
            if quiet is not None and quiet.by != "definition" and self._matches(rule, scenario):
                return self._row(scenario, "hidden", name, self._silenced(quiet, name))
        return self._row(scenario, "silent", "", self._taken(scenario))

    def _taken(self, scenario: Scenario) -> list[Evidence]:
        """The change that took away a rule that would notice, or several that did so together."""
        for impact in self._taking:
            if self._matches(impact.before, scenario):
                return self._changed(impact.change, impact.rule)
        changes = self.rules.changes
        for name, original in changes.originals.items():
            if name in self.in_force and self._matches(original, scenario):
                return [step for one in changes.of(name) for step in self._changed(one, name)]
        return []

    @cached_property
    def _taking(self) -> list[Impact]:
        """What changes do to rules in force that could notice something without them."""
        changes = self.rules.changes
        found = [impact for impact in changes.impacts if impact.rule in self.in_force]
        return [impact for impact in found if not changes.is_known_dead(impact.before)]

    def _changed(self, change: Change, rule: str) -> list[Evidence]:
        note = f"{WORDS.get(change.how, change.how)} the {change.kind} {change.name}"
        return self._at(change.file, change.line, f"{note}: {rule} saw this")

    def _silenced(self, quiet: Silence, name: str) -> list[Evidence]:
        if quiet.step is not None:
            note = f"switches off the rule {name}, which saw this"
            return self._at(quiet.step.file, quiet.step.line, note)
        if self.config is None:
            return []
        selected = quiet.by == "selection"
        key = self.selections[quiet.selection].pattern if selected else "priority"
        note = f"leaves out the rule {name}, which saw this"
        return [self.config.at(line_of(self.config.content, key), note)]

    def _at(self, file: str, line: int, note: str) -> list[Evidence]:
        text = self.rules.text_of(file)
        return [text.at(line, note)] if text else []

    def _row(
        self,
        scenario: Scenario,
        state: model.DetectionState,
        rule: str,
        because: Sequence[Evidence] = (),
    ) -> model.Detection:
        fires = state == "fires"
        return model.Detection(
            installation=self.owner,
            id=scenario.id,
            title=scenario.title,
            asked=scenario.asked,
            state=state,
            rule=rule,
            priority=PRIORITIES[self.loaded[rule].info.priority] if fires else "",
            because=list(because),
        )


_ORDER: tuple[model.DetectionState, ...] = ("silent", "hidden", "unknown", "fires")
"""The weakest first."""


def weakest(
    found: Iterable[tuple[model.Detection, tuple[str, ...]]],
) -> Iterator[model.Detection]:
    """Each detection of an installation as it is on the nodes where it is weakest.

    Args:
        found: detections, each with the nodes that it is about; no nodes stand for all.
    """
    groups: dict[tuple[ObjectRef, str], list[tuple[model.Detection, tuple[str, ...]]]] = {}
    for one, nodes in found:
        groups.setdefault((one.installation, one.id), []).append((one, nodes))
    for group in groups.values():
        worst = min((one for one, _ in group), key=lambda one: _ORDER.index(one.state))
        alike = [nodes for one, nodes in group if one.state == worst.state]
        if len(alike) < len(group):
            worst.nodes = sorted(name for nodes in alike for name in nodes)
        yield worst
