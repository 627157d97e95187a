# SPDX-License-Identifier: Apache-2.0
"""What do the rules of one Falco amount to, in the words of the facts document?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.layers.runtime.facts.rulesets import Rules
from kguard.layers.runtime.facts.texts import Text, line_of
from kguard.layers.runtime.semantics.audit_needs import SOURCE, need_of
from kguard.layers.runtime.semantics.changes import Change
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.losses import Silence, silence
from kguard.layers.runtime.semantics.overrides import harmful
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

ALL_PRIORITIES = len(PRIORITIES) - 1
WORDS = {
    "defined": "defines",
    "redefined": "redefines",
    "appended": "appends to",
    "replaced": "overrides",
    "enabled": "switches on",
    "disabled": "switches off",
}


def rule_facts(
    rules: Rules, owner: ObjectRef, selections: Sequence[Selection], minimum: int
) -> Iterator[model.Rule]:
    """Every loaded rule with its state."""
    enabled = rules.ruleset.enabled(selections, minimum)
    for name, on in enabled.items():
        info = rules.ruleset.compiled.rules[name].info
        state = "dead" if rules.is_dead(name) else rules.answers[name].verdict
        yield model.Rule(owner, name, PRIORITIES[info.priority], on, state)


def audit_rules(
    rules: Rules, owner: ObjectRef, selections: Sequence[Selection], minimum: int
) -> Iterator[model.AuditRule]:
    """The rules about audit events that are in force, with what they need of the audit log."""
    for name, on in rules.ruleset.enabled(selections, minimum).items():
        rule = rules.ruleset.compiled.rules[name]
        if rule.info.source != SOURCE or not on or rules.is_dead(name):
            continue
        need = need_of(rule.condition)
        text = rules.text_of(rule.info.context.file)
        yield model.AuditRule(
            installation=owner,
            name=name,
            level=need.level,
            stages=list(need.stages),
            verbs=list(need.verbs),
            resources=list(need.resources),
            subresources=list(need.subresources),
            because=[text.at(rule.info.context.line, f"the rule {name}")] if text else [],
        )


def partial_losses(rules: Rules) -> Iterator[model.Loss]:
    """What overrides take away from rules that are not in the input."""
    for found in harmful(rules.files(), rules.environment):
        text = rules.text_of(found.step.file)
        if text is None:
            continue
        note = f"{WORDS.get(found.step.how, found.step.how)} the {found.kind} {found.name}"
        yield model.Loss(
            ref=text.owner,
            effect=found.effect,
            cause=found.kind,
            name=found.name,
            rules=[found.name] if found.kind == "rule" else [],
            of=0,
            explanation=explain(found.conflict) if found.effect == "dead" else "",
            file=text.name,
            line=found.step.line,
            because=[text.at(found.step.line, note)],
        )


def explain(conflict: Sequence[str]) -> str:
    """Why no event meets a condition, in words."""
    shown = " and ".join(f"`{part}`" for part in conflict)
    if len(conflict) == 1:
        return f"{shown} is never true"
    return f"{shown} exclude each other" if conflict else "no event can meet its condition"


class Losses:
    """Finds what takes the rules of one Falco out of force."""

    def __init__(
        self,
        rules: Rules,
        selections: Sequence[Selection],
        minimum: int,
        config: Text | None,
    ) -> None:
        self.rules = rules
        self.selections = selections
        self.minimum = minimum
        self.config = config
        self.loaded = rules.ruleset.compiled.rules if rules.ruleset.successful else {}

    def all(self) -> Iterator[model.Loss]:
        """Every loss, one for each item that causes it."""
        yield from self._dead()
        yield from self._silenced()
        yield from self._deaf()

    def _dead(self) -> Iterator[model.Loss]:
        dead = [name for name in self.loaded if self.rules.answers[name].verdict == "dead"]
        blamed = self.rules.changes.blamed(dead) if dead else {}
        groups: dict[Change, list[str]] = {}
        for name in dead:
            for change in blamed.get(name, ()):
                groups.setdefault(change, []).append(name)
            if name not in blamed:
                yield from self._dead_by_itself(name)
        for culprit, names in sorted(groups.items()):
            yield from self._killed(culprit, names)

    def _killed(self, culprit: Change, names: list[str]) -> Iterator[model.Loss]:
        text = self.rules.text_of(culprit.file)
        if text is None:
            return
        conflict = self._conflict(names[0])
        note = f"{WORDS.get(culprit.how, culprit.how)} the {culprit.kind} {culprit.name}"
        because = [text.at(culprit.line, note), *self._victims(names)]
        loss = self._loss(text, "dead", culprit.kind, culprit.name, names, conflict, because)
        yield msgspec.structs.replace(loss, file=text.name, line=culprit.line)

    def _victims(self, names: Sequence[str]) -> Iterator[Evidence]:
        """Where the first of the rules is defined."""
        step = self.loaded[names[0]].info.steps[0]
        text = self.rules.text_of(step.file)
        if text is not None:
            note = f"the rule {names[0]}, which depends on it"
            yield text.at(step.line, note, role="related")

    def _dead_by_itself(self, name: str) -> Iterator[model.Loss]:
        info = self.loaded[name].info
        text = self.rules.text_of(info.context.file)
        if text is not None:
            conflict = explain(self.rules.own_conflict(name))
            because = [text.at(info.context.line, f"the rule {name}: {conflict}")]
            yield self._loss(text, "dead", "itself", name, [name], conflict, because)

    def _conflict(self, name: str) -> str:
        return explain(self.rules.answers[name].conflict)

    def _silenced(self) -> Iterator[model.Loss]:
        groups: dict[tuple[object, ...], tuple[Silence, list[str]]] = {}
        for name, rule in self.loaded.items():
            found = silence(rule, self.selections, self.minimum)
            if found is None or found.by == "definition":
                continue
            place = (found.step.file, found.step.line) if found.step else ()
            key = (found.by, found.selection, *place)
            groups.setdefault(key, (found, []))[1].append(name)
        for found, names in groups.values():
            yield from self._silence(found, names)

    def _silence(self, found: Silence, names: list[str]) -> Iterator[model.Loss]:
        match found.by:
            case "override":
                yield from self._switched_off(found, names)
            case "selection":
                chosen = self.selections[found.selection]
                what = "tag" if chosen.by == "tag" else "rule"
                note = f"disables every rule with the {what} {chosen.pattern}"
                yield from self._configured("disabled", "selection", chosen.pattern, names, note)
            case "priority":
                priority = PRIORITIES[self.minimum]
                note = f"only priorities from {priority} up are reported"
                yield from self._configured("hidden", "priority", priority, names, note)
            case _:
                pass

    def _deaf(self) -> Iterator[model.Loss]:
        """Rules none of whose system calls reach Falco."""
        removed = self.rules.syscalls.removed
        deaf = [name for name in self.loaded if self.rules.is_deaf(name)]
        taken = [name for name in deaf if self.rules.types(name) <= removed]
        if taken and self.config is not None:
            out = ", ".join(sorted(removed))
            line = line_of(self.config.content, "custom_set")
            place = self.config.at(line, f"takes out {out}")
            note = f"Falco does not ask the kernel for {out}"
            because = [place, *self._victims(taken)]
            yield self._loss(self.config, "dead", "syscalls", out, taken, note, because)
        yield from self._left_out([name for name in deaf if name not in taken])

    def _left_out(self, names: list[str]) -> Iterator[model.Loss]:
        """Rules about system calls that Falco leaves out unless all are asked for."""
        for name in names:
            info = self.loaded[name].info
            text = self.rules.text_of(info.context.file)
            if text is not None:
                calls = ", ".join(sorted(self.rules.types(name)))
                note = f"Falco leaves out {calls} unless base_syscalls.all is set"
                because = [text.at(info.context.line, f"the rule {name} is about {calls} alone")]
                owner = self.config or text
                yield self._loss(owner, "dead", "volume", name, [name], note, because)

    def _switched_off(self, found: Silence, names: list[str]) -> Iterator[model.Loss]:
        step = found.step
        text = self.rules.text_of(step.file) if step else None
        if step is None or text is None:
            return
        because = [text.at(step.line, f"switches off the rule {names[0]}")]
        loss = self._loss(text, "disabled", "rule", names[0], names, "", because)
        yield msgspec.structs.replace(loss, file=text.name, line=step.line)

    def _configured(
        self, effect: model.Effect, cause: model.Cause, name: str, names: list[str], note: str
    ) -> Iterator[model.Loss]:
        if self.config is None:
            return
        line = line_of(self.config.content, "priority" if cause == "priority" else name)
        because = [self.config.at(line, note)]
        yield self._loss(self.config, effect, cause, name, names, note, because)

    def _loss(
        self,
        text: Text,
        effect: model.Effect,
        cause: model.Cause,
        name: str,
        names: list[str],
        explanation: str,
        because: list[Evidence],
    ) -> model.Loss:
        return model.Loss(
            ref=text.owner,
            effect=effect,
            cause=cause,
            name=name,
            rules=sorted(names),
            of=len(self.loaded),
            explanation=explanation,
            file="",
            line=0,
            because=because,
        )
