# SPDX-License-Identifier: Apache-2.0
"""Which rules are in force after Falco has loaded its rules files in order?

Authority: falcosecurity/falco userspace/engine/falco_engine.cpp (`load_rules`,
`enable_rule_wildcard`, `enable_rule_by_tag`) and
userspace/falco/app/actions/{validate_rules_files,load_rules_files}.cpp.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from kguard.layers.runtime.semantics.compiler import Compiled, CompiledRule, compile_rules
from kguard.layers.runtime.semantics.definitions import PRIORITIES, Definitions, Requirement
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN, Environment
from kguard.layers.runtime.semantics.reader import read
from kguard.layers.runtime.semantics.results import LoadResult


class RulesFile(msgspec.Struct, frozen=True):
    """One rules file in the order of loading."""

    name: str
    content: str
    continues: bool = False
    """Whether the next one is a later document of the same file, which is read as a whole."""


class Selection(msgspec.Struct, frozen=True):
    """One step of `rules:` in falco.yaml or on the command line."""

    action: Literal["enable", "disable"]
    by: Literal["rule", "tag"]
    pattern: str

    def selects(self, rule: CompiledRule) -> bool:
        """Whether the rule is meant; `*` in names stands for anything."""
        if self.by == "tag":
            return self.pattern in rule.info.tags
        return fnmatch.fnmatchcase(rule.info.name, _only_stars(self.pattern))


def _only_stars(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


class Ruleset(msgspec.Struct):
    """What an engine holds after loading."""

    results: list[LoadResult]
    definitions: Definitions
    compiled: Compiled

    @property
    def successful(self) -> bool:
        """Whether Falco would start with these files."""
        return all(result.successful for result in self.results) and not self.unmet

    @property
    def unmet(self) -> list[tuple[Requirement, str]]:
        """Required plugins that are not loaded, or in a version that is known not to do: with why.

        Falco checks them once it has read the files (`check_rules_plugin_requirements` in
        userspace/falco/app/actions/helpers_generic.cpp).
        """
        environment = self.definitions.environment
        if environment.assumed:
            return []
        found = [(one, one.complaint(environment.loaded)) for one in self.definitions.plugins]
        return [(requirement, complaint) for requirement, complaint in found if complaint]

    def enabled(
        self, selections: Iterable[Selection] = (), minimum: int = len(PRIORITIES) - 1
    ) -> dict[str, bool]:
        """Whether each loaded rule is in force, in the order of loading.

        Args:
            selections: applied in order, after what the files say.
            minimum: rules of a less urgent priority (a greater number) are left out.
        """
        on = set(self.order(selections, minimum))
        return {name: name in on for name in self.compiled.rules} if self.successful else {}

    def order(
        self, selections: Iterable[Selection] = (), minimum: int = len(PRIORITIES) - 1
    ) -> list[str]:
        """The rules in force, in the order in which events are held against them.

        A rule that the selection switches on comes after those that were on before
        (userspace/engine/indexable_ruleset.h, `add_filter`).
        """
        if not self.successful:
            return []
        rules = {n: r for n, r in self.compiled.rules.items() if r.info.priority <= minimum}
        on = dict.fromkeys(name for name, rule in rules.items() if rule.info.enabled)
        for selection in selections:
            for name in (name for name, rule in rules.items() if selection.selects(rule)):
                if selection.action == "disable":
                    on.pop(name, None)
                else:
                    on.setdefault(name)
        return list(on)

    def as_json(self) -> dict[str, Any]:
        """The document of `falco -V ... -o json_output=true`."""
        return {"falco_load_results": [result.as_json() for result in self.results]}


def load(
    files: Sequence[RulesFile],
    environment: Environment = EVERY_PLUGIN,
    without: frozenset[tuple[str, int]] = frozenset(),
    only: frozenset[str] | None = None,
) -> Ruleset:
    """Load rules files one after the other, each on top of those before it.

    Args:
        files: in the order of `rules_files`.
        environment: the plugins that are loaded.
        without: places (file, line) of items that are passed over, to see what they change.
        only: the rules that are compiled once all files are read; None for all, after each file.
    """
    definitions = Definitions(environment)
    results: list[LoadResult] = []
    compiled = Compiled()
    refused = False
    for file in files:
        result = LoadResult(file.name, file.content)
        if not refused:
            read(result, definitions, without)
        refused = file.continues and (refused or not result.successful)
        whole = not file.continues and result.successful
        if whole and (only is None or file is files[-1]):
            compiled = compile_rules(definitions, result, only)
        results.append(result)
    return Ruleset(results, definitions, compiled)
