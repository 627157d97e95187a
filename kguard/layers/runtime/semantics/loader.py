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
from kguard.layers.runtime.semantics.definitions import PRIORITIES, Definitions
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN, Environment
from kguard.layers.runtime.semantics.reader import read
from kguard.layers.runtime.semantics.results import LoadResult


class RulesFile(msgspec.Struct, frozen=True):
    """One rules file in the order of loading."""

    name: str
    content: str


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
        return all(result.successful for result in self.results)

    def enabled(
        self, selections: Iterable[Selection] = (), minimum: int = len(PRIORITIES) - 1
    ) -> dict[str, bool]:
        """Whether each loaded rule is in force, in the order of loading.

        Args:
            selections: applied in order, after what the files say.
            minimum: rules of a less urgent priority (a greater number) are left out.
        """
        if not self.successful:
            return {}
        state = {name: rule.info.enabled for name, rule in self.compiled.rules.items()}
        for selection in selections:
            for name, rule in self.compiled.rules.items():
                if selection.selects(rule):
                    state[name] = selection.action == "enable"
        rules = self.compiled.rules
        return {name: on and rules[name].info.priority <= minimum for name, on in state.items()}

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
        only: the rules that are compiled; None for all.
    """
    definitions = Definitions(environment)
    results: list[LoadResult] = []
    compiled = Compiled()
    for file in files:
        result = LoadResult(file.name, file.content)
        read(result, definitions, without)
        if result.successful:
            compiled = compile_rules(definitions, result, only)
        results.append(result)
    return Ruleset(results, definitions, compiled)
