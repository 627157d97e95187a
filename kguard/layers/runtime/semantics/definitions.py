# SPDX-License-Identifier: Apache-2.0
"""Which lists, macros and rules are defined once every file was read?

Authority: falcosecurity/falco userspace/engine/rule_loader_collector.cpp. A later definition of a
name replaces the earlier one but keeps its place in the order (`index`) and sees what was defined
before it (`visibility`); appended conditions are joined as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.layers.runtime.semantics.environment import SYSCALL, Environment
from kguard.layers.runtime.semantics.exceptions import (
    Checks,
    RuleException,
    add_exceptions,
    validate,
)
from kguard.layers.runtime.semantics.results import Context, LoadError, LoadResult

PRIORITIES = (
    *("Emergency", "Alert", "Critical", "Error"),
    *("Warning", "Notice", "Informational", "Debug"),
)
"""From the most to the least urgent, as alerts print them."""

_VERSION = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:[-+][0-9A-Za-z.+-]*)?")
_REDEFINED = "Rule has been re-defined with a different source"


class Step(msgspec.Struct, frozen=True):
    """One item of a file that made or changed a definition."""

    file: str
    line: int
    how: str
    """`defined`, `repeated` (with the same content), `redefined`, `appended`, `replaced`,
    `enabled` or `disabled`."""
    keys: tuple[str, ...] = ()


class ListInfo(msgspec.Struct):
    """A list as the files define it."""

    name: str
    items: list[str]
    context: Context
    index: int = 0
    visibility: int = 0
    steps: list[Step] = []


class MacroInfo(msgspec.Struct):
    """A macro as the files define it."""

    name: str
    condition: str
    context: Context
    condition_context: Context
    index: int = 0
    visibility: int = 0
    steps: list[Step] = []


class RuleInfo(msgspec.Struct):
    """A rule as the files define it."""

    name: str
    condition: str
    output: str
    description: str
    priority: int
    context: Context
    condition_context: Context
    output_context: Context
    source: str = SYSCALL
    enabled: bool = True
    warn_evttypes: bool = True
    skip_if_unknown_filter: bool = False
    capture: bool = False
    capture_duration: int = 0
    tags: frozenset[str] = frozenset()
    exceptions: list[RuleException] = []
    unknown_source: bool = False
    index: int = 0
    visibility: int = 0
    steps: list[Step] = []


class Requirement(msgspec.Struct, frozen=True):
    """A plugin that the rules need, or one of its alternatives."""

    alternatives: tuple[tuple[str, str], ...]
    """Names and least versions."""
    context: Context

    def complaint(self, loaded: Mapping[str, str]) -> str:
        """What Falco says against the plugins that are loaded; empty where they do.

        The first alternative that is loaded decides (falco_engine.cpp,
        `check_plugin_requirement_alternatives`).

        Args:
            loaded: versions by name; an empty one is not known, and taken for good.
        """
        for name, wanted in self.alternatives:
            if name in loaded:
                have = loaded[name]
                if not have or _is_compatible(have, wanted):
                    return ""
                return (
                    f"Plugin '{name}' version '{have}' is not compatible with required plugin "
                    f"version '{wanted}'"
                )
        wanted = ", ".join(f"{name} (>= {version})" for name, version in self.alternatives)
        return f"Plugin requirement not satisfied, must load one of: {wanted}"


def _is_compatible(have: str, wanted: str) -> bool:
    """Whether the major version is the same and the rest no older (libs, `sinsp_version`)."""
    mine, theirs = _numbers(have), _numbers(wanted)
    return mine is None or theirs is None or (mine[0] == theirs[0] and mine >= theirs)


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(version)
    return tuple(int(part) for part in found.groups()) if found else None


class Definitions:
    """What the engine's collector holds."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.lists: dict[str, ListInfo] = {}
        self.macros: dict[str, MacroInfo] = {}
        self.rules: dict[str, RuleInfo] = {}
        self.plugins: list[Requirement] = []
        self._next = 0

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def require_engine(self, version: tuple[int, int, int], context: Context) -> None:
        """Check a required engine version."""
        engine = self.environment.engine.version
        if version[0] == engine[0] and version <= engine:
            return
        have = ".".join(str(part) for part in engine)
        need = ".".join(str(part) for part in version)
        message = f"Rules require engine version {need}, but engine version is {have}"
        raise LoadError("LOAD_ERR_VALIDATE", message, context)

    def require_plugin(self, requirement: Requirement) -> None:
        """Note a required plugin."""
        seen: set[str] = set()
        for name, _ in requirement.alternatives:
            if name in seen:
                raise LoadError(
                    "LOAD_ERR_VALIDATE",
                    f"Defined multiple alternative version requirements for plugin '{name}'",
                    requirement.context,
                )
            seen.add(name)
        self.plugins.append(requirement)

    def define_list(self, info: ListInfo) -> None:
        """Define or redefine a list."""
        _define(self.lists, info, self._number())

    def append_list(self, info: ListInfo) -> None:
        """Add items to a list."""
        known = self.lists.get(info.name)
        if known is None:
            raise _nothing("List", "items", "list", info.context)
        known.items.extend(info.items)
        known.visibility = self._number()
        known.steps.append(_step(info.context, "appended"))

    def define_macro(self, info: MacroInfo) -> None:
        """Define or redefine a macro."""
        _define(self.macros, info, self._number())

    def append_macro(self, info: MacroInfo) -> None:
        """Add text to a macro's condition."""
        known = self.macros.get(info.name)
        if known is None:
            raise _nothing("Macro", "condition", "macro", info.context)
        known.condition += f" {info.condition}"
        known.visibility = self._number()
        known.steps.append(_step(info.context, "appended"))

    def define_rule(self, info: RuleInfo, result: LoadResult) -> None:
        """Define or redefine a rule; one of an unknown source is kept but not loaded."""
        known = self.rules.get(info.name)
        if known is not None and known.source != info.source:
            raise LoadError("LOAD_ERR_VALIDATE", _REDEFINED, info.context)
        if not self.environment.has_source(info.source):
            info.unknown_source = True
            message = f"Unknown source {info.source}, skipping"
            result.warn("LOAD_UNKNOWN_SOURCE", message, info.context)
        for exception in info.exceptions:
            validate(exception, self._checks(info), required="item must")
        _define(self.rules, info, self._number())

    def append_rule(
        self, name: str, changes: dict[str, Any], context: Context, source: str
    ) -> None:
        """Add text, tags or exceptions to a rule."""
        rule = self.rules.get(name)
        if rule is None:
            message = (
                "Rule uses 'append' or 'override.<key>: append' but no rule by that name "
                "already exists"
            )
            raise LoadError("LOAD_ERR_VALIDATE", message, context)
        _check_source(rule, source, context)
        if not changes:
            message = "Appended rule must have exceptions or condition property"
            raise LoadError("LOAD_ERR_VALIDATE", message, context)
        for key in ("condition", "output", "description"):
            if changes.get(key):
                setattr(rule, key, f"{getattr(rule, key)} {changes[key]}")
        rule.tags |= changes.get("tags", frozenset())
        add_exceptions(rule.exceptions, changes.get("exceptions", []), self._checks(rule))
        rule.visibility = self._number()
        rule.steps.append(_step(context, "appended", *changes))

    def replace_in_rule(
        self, name: str, changes: dict[str, Any], context: Context, source: str
    ) -> None:
        """Replace properties of a rule."""
        rule = self.rules.get(name)
        if rule is None:
            message = (
                "An 'override.<key>: replace' to a rule was requested but no rule by that name "
                "already exists"
            )
            raise LoadError("LOAD_ERR_VALIDATE", message, context)
        _check_source(rule, source, context)
        for key, value in changes.items():
            setattr(rule, key, value)
        rule.visibility = self._number()
        rule.steps.append(_step(context, _replaced(changes), *changes))

    def enable_rule(self, name: str, context: Context, *, enabled: bool) -> None:
        """Switch a rule on or off by the deprecated stand-alone key."""
        rule = self.rules.get(name)
        if rule is None:
            message = "Rule has 'enabled' key but no rule by that name already exists"
            raise LoadError("LOAD_ERR_VALIDATE", message, context)
        rule.enabled = enabled
        rule.steps.append(_step(context, "enabled" if enabled else "disabled", "enabled"))

    def _checks(self, rule: RuleInfo) -> Checks:
        providers = None if rule.unknown_source else self.environment.providers(rule.source)
        return Checks(providers, self.environment.engine.has_modifiers)


def _define(known: dict[str, Any], info: ListInfo | MacroInfo | RuleInfo, number: int) -> None:
    before = known.get(info.name)
    info.index = number if before is None else before.index
    info.visibility = number
    earlier = [] if before is None else before.steps
    how = "defined" if before is None else "repeated" if _same(before, info) else "redefined"
    info.steps = [*earlier, _step(info.context, how)]
    known[info.name] = info


def _same(before: Any, info: ListInfo | MacroInfo | RuleInfo) -> bool:
    """Whether a definition repeats what is known; rules that come again may always differ."""
    match info:
        case ListInfo(items=items):
            return bool(before.items == items)
        case MacroInfo(condition=condition):
            return bool(before.condition == condition)
        case _:
            return False


def _check_source(rule: RuleInfo, source: str, context: Context) -> None:
    if source and source != rule.source:
        raise LoadError("LOAD_ERR_VALIDATE", _REDEFINED, context)


def _step(context: Context, how: str, *keys: str) -> Step:
    return Step(context.file, context.line, how, keys)


def _replaced(changes: dict[str, Any]) -> str:
    if tuple(changes) == ("enabled",):
        return "enabled" if changes["enabled"] else "disabled"
    return "replaced"


def _nothing(kind: str, key: str, word: str, context: Context) -> LoadError:
    message = (
        f"{kind} uses 'append' or 'override.{key}: append' but no {word} by that name "
        "already exists"
    )
    return LoadError("LOAD_ERR_VALIDATE", message, context)
