# SPDX-License-Identifier: Apache-2.0
"""What does one change of a macro, a list or a rule do to the rules that need it?

A change is an item of a rules file that redefines, overrides or appends to something defined
before. What it does is found by loading everything again without that one item: the engine has no
other notion of it (falcosecurity/falco userspace/engine/rule_loader_collector.cpp).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.definitions import Definitions
from kguard.layers.runtime.semantics.environment import Environment
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.satisfiability import satisfiable

MAX_CHANGES = 64
"""Changes that are tried one by one; what the others do is not known."""

_WORD = re.compile(r"[^ \t\n\r(),=]+")
_SWITCHES = ("enabled", "disabled", "repeated")
"""Steps that leave the condition as it was."""

Kind = Literal["macro", "list", "rule"]


class Change(msgspec.Struct, frozen=True, order=True):
    """An item that changes what was defined before it."""

    file: str
    line: int
    kind: Kind
    name: str
    how: str

    @property
    def place(self) -> tuple[str, int]:
        """The place of the item, as the loader passes it over."""
        return self.file, self.line


class Impact(msgspec.Struct, frozen=True):
    """A rule as it is without one change; with it, its condition or its priority is another one."""

    change: Change
    rule: str
    before: CompiledRule


class Changes:
    """The changes in the files of one ruleset, and what they do to conditions."""

    def __init__(
        self, files: Sequence[RulesFile], environment: Environment, ruleset: Ruleset
    ) -> None:
        self._files = files
        self._environment = environment
        self._rules = ruleset.compiled.rules
        self._concerned: dict[Change, list[str]] = {}
        self._loaded: dict[frozenset[Change], tuple[frozenset[str], dict[str, CompiledRule]]] = {}
        self._verdicts: dict[int, tuple[CompiledRule, bool]] = {}
        needs = {name: _needed(ruleset, name) for name in self._rules}
        for change in _changes(ruleset.definitions):
            concerned = [name for name, words in needs.items() if _concerns(change, name, words)]
            if concerned:
                self._concerned[change] = concerned
        self.untried = list(self._concerned)[MAX_CHANGES:]
        """Changes beyond the limit."""
        tried = list(self._concerned)[:MAX_CHANGES]
        self._tried = set(tried)
        self.impacts = [impact for change in tried for impact in self._impacts(change)]
        """What each change does alone, given all the others."""

    def _impacts(self, change: Change) -> Iterator[Impact]:
        for name, before in self._without({change}, self._concerned[change]).items():
            after = self._rules[name]
            same = before.condition == after.condition
            if not same or before.info.priority != after.info.priority:
                yield Impact(change, name, before)

    def _without(self, left_out: set[Change], rules: Sequence[str]) -> dict[str, CompiledRule]:
        """The rules with some changes left out; empty where nothing loads then."""
        key, wanted = frozenset(left_out), frozenset(rules)
        asked, found = self._loaded.get(key, (frozenset(), {}))
        if key not in self._loaded or not wanted <= asked or (not found and wanted != asked):
            places = frozenset(change.place for change in left_out)
            ruleset = load(self._files, self._environment, places, wanted)
            found = ruleset.compiled.rules if ruleset.successful else {}
            self._loaded[key] = (wanted, found)
        return {name: rule for name, rule in found.items() if name in wanted}

    def _can_match(self, rule: CompiledRule) -> bool:
        """Whether some event meets a rule; asked once for each."""
        known = self._verdicts.get(id(rule))
        if known is None:
            known = rule, satisfiable(rule.condition).verdict != "dead"
            self._verdicts[id(rule)] = known
        return known[1]

    def is_known_dead(self, rule: CompiledRule) -> bool:
        """Whether it was found out already that no event meets a rule of these."""
        known = self._verdicts.get(id(rule))
        return known is not None and not known[1]

    @cached_property
    def originals(self) -> dict[str, CompiledRule]:
        """The rules that changes concern, without any of the changes."""
        names = {name for change in self._tried for name in self._concerned[change]}
        return self._without(self._tried, sorted(names)) if self._tried else {}

    def of(self, rule: str) -> list[Change]:
        """The changes that concern a rule."""
        return sorted(change for change, names in self._concerned.items() if rule in names)

    def blamed(self, dead: Sequence[str]) -> dict[str, list[Change]]:
        """The changes without which rules that can never match could."""
        found: dict[str, list[Change]] = {}
        names = frozenset(dead)
        for impact in self.impacts:
            if impact.rule in names and self._can_match(impact.before):
                found.setdefault(impact.rule, []).append(impact.change)
        self._add_joint(found, [name for name in dead if name not in found])
        return found

    def _add_joint(self, found: dict[str, list[Change]], rest: Sequence[str]) -> None:
        """Rules that several changes make impossible, each of them alone."""
        involved = {change for change, names in self._concerned.items() if set(names) & set(rest)}
        involved &= self._tried
        if len(involved) < 2:  # noqa: PLR2004 - one change alone was tried already
            return
        original = self.originals if involved == self._tried else self._without(involved, rest)
        could = [name for name in rest if name in original and self._can_match(original[name])]
        for change in sorted(involved):
            names = [name for name in could if name in self._concerned[change]]
            alone = self._without(involved - {change}, names) if names else {}
            for name, rule in alone.items():
                if not self._can_match(rule):
                    found.setdefault(name, []).append(change)


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


def _concerns(change: Change, rule: str, needed: set[str]) -> bool:
    return change.name == rule if change.kind == "rule" else change.name in needed


def _changes(definitions: Definitions) -> Iterator[Change]:
    """What changed a definition after its first, the last changes first."""
    groups: tuple[tuple[Kind, Mapping[str, Any]], ...] = (
        ("macro", definitions.macros),
        ("list", definitions.lists),
        ("rule", definitions.rules),
    )
    for kind, infos in groups:
        for name, info in infos.items():
            for step in reversed(info.steps[1:]):
                if step.how not in _SWITCHES:
                    yield Change(step.file, step.line, kind, name, step.how)
