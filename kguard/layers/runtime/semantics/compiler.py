# SPDX-License-Identifier: Apache-2.0
"""What do the definitions amount to: which conditions, with which complaints?

Authority: falcosecurity/falco userspace/engine/rule_loader_compiler.cpp,
filter_macro_resolver.cpp and filter_warning_resolver.cpp (0.44). Lists are put into conditions as
text before parsing; macros are resolved on the parsed form and see only what was defined before.
"""

from __future__ import annotations

import msgspec

from kguard.layers.runtime.semantics.conditions import check_condition
from kguard.layers.runtime.semantics.definitions import Definitions, MacroInfo, RuleInfo
from kguard.layers.runtime.semantics.environment import SYSCALL
from kguard.layers.runtime.semantics.events import TOO_MANY, types_of
from kguard.layers.runtime.semantics.exceptions import with_exceptions
from kguard.layers.runtime.semantics.expressions import Expression
from kguard.layers.runtime.semantics.fields import FieldError
from kguard.layers.runtime.semantics.lexer import ConditionError
from kguard.layers.runtime.semantics.lists import ListSubstitution
from kguard.layers.runtime.semantics.macros import MacroError, MacroTable
from kguard.layers.runtime.semantics.outputs import CONTAINER_INFO, check_output, deprecated_in
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.results import Context, LoadError, LoadResult

_CONTAINER_INFO_DEPRECATED = (
    "%container.info is deprecated and no more useful, and will be dropped by Falco 1.0.0. "
    "The container plugin will automatically add required fields to the output message."
)
_TOO_MANY_TYPES = (
    "Rule matches too many evt.type values. This has a significant performance penalty."
)


class CompiledRule(msgspec.Struct):
    """A rule that the engine has loaded."""

    info: RuleInfo
    condition: Expression
    text: str
    """The condition with exceptions, before lists and macros."""
    types: frozenset[str]
    """The types of event for which it can be true, whatever its source."""


class Compiled(msgspec.Struct):
    """Everything that the engine has loaded."""

    rules: dict[str, CompiledRule] = {}
    macros: MacroTable | None = None
    lists: dict[str, list[str]] = {}


def compile_rules(
    definitions: Definitions, result: LoadResult, only: frozenset[str] | None = None
) -> Compiled:
    """Compile every definition; the first error goes to the result and ends it.

    With `only`, other rules than these are passed over.
    """
    compiler = _Compiler(definitions, result, only)
    try:
        compiler.run()
    except LoadError as error:
        result.errors.append(error.problem)
    else:
        compiler.complain_of_unused()
    return compiler.compiled


class _Compiler:
    def __init__(
        self, definitions: Definitions, result: LoadResult, only: frozenset[str] | None
    ) -> None:
        self.definitions = definitions
        self.only = only
        self.result = result
        self.lists = ListSubstitution(definitions.lists)
        self.macros = MacroTable()
        self.compiled = Compiled(macros=self.macros, lists=self.lists.compiled)

    def run(self) -> None:
        for macro in self.definitions.macros.values():
            parsed = self.parse(macro.condition, macro.condition_context)
            self.macros.add(macro.name, macro.index, parsed)
        for macro in self.definitions.macros.values():
            self.resolve_macro(macro)
        for rule in self.definitions.rules.values():
            chosen = self.only is None or rule.name in self.only
            if chosen and not rule.unknown_source:
                self.rule(rule)

    def parse(self, condition: str, context: Context) -> Expression:
        try:
            text = self.lists.apply(condition)
            return parse(text, has_modifiers=self.definitions.environment.engine.has_modifiers)
        except ConditionError as error:
            place = context.in_condition(condition, *error.position)
            code, beyond = "LOAD_ERR_COMPILE_CONDITION", error.beyond_limit
            raise LoadError(code, error.message, place, beyond_limit=beyond) from error

    def resolve_macro(self, macro: MacroInfo) -> None:
        try:
            self.macros.resolve(macro.name, macro.visibility)
        except MacroError as error:
            raise _unresolved(error, macro.context, macro.condition) from error

    def rule(self, rule: RuleInfo) -> None:
        text = with_exceptions(rule.condition, rule.exceptions)
        if not self.output(rule):
            return
        condition = self.expand(self.parse(text, rule.condition_context), text, rule)
        if not check_condition(condition, text, rule, self.definitions, self.result):
            return
        types = types_of(condition)
        if rule.source == SYSCALL and rule.warn_evttypes and not 0 < len(types) <= TOO_MANY:
            self.result.warn("LOAD_NO_EVTTYPE", _TOO_MANY_TYPES, rule.context)
        self.compiled.rules[rule.name] = CompiledRule(rule, condition, text, types)

    def expand(self, condition: Expression, text: str, rule: RuleInfo) -> Expression:
        try:
            return self.macros.expand(condition)
        except MacroError as error:
            raise _unresolved(error, rule.context, text) from error

    def output(self, rule: RuleInfo) -> bool:
        """Check the output; False where the rule is skipped because of it."""
        output = rule.output
        if CONTAINER_INFO in output:
            self.result.warn("LOAD_DEPRECATED_ITEM", _CONTAINER_INFO_DEPRECATED, rule.context)
            output = output.replace(CONTAINER_INFO, "")
        try:
            check_output(output, self.definitions.environment.providers(rule.source))
        except FieldError as error:
            place = rule.output_context
            if rule.skip_if_unknown_filter:
                self.result.warn("LOAD_UNKNOWN_FILTER", error.message, place)
                return False
            raise LoadError("LOAD_ERR_COMPILE_OUTPUT", error.message, place) from error
        for name in deprecated_in(output):
            message = f"usage of deprecated field '{name}' has been detected in the rule output"
            self.result.warn("LOAD_DEPRECATED_ITEM", message, rule.output_context)
        return True

    def complain_of_unused(self) -> None:
        for macro in self.definitions.macros.values():
            if macro.name not in self.macros.used:
                message = "Macro not referred to by any other rule/macro"
                self.result.warn("LOAD_UNUSED_MACRO", message, macro.context)
        for name, info in self.definitions.lists.items():
            if name not in self.lists.used:
                message = "List not referred to by any other rule/macro"
                self.result.warn("LOAD_UNUSED_LIST", message, info.context)


def _unresolved(error: MacroError, context: Context, condition: str) -> LoadError:
    place = context.in_condition(condition, error.pos, 1, error.pos + 1)
    return LoadError("LOAD_ERR_VALIDATE", error.message, place, beyond_limit=error.beyond_limit)
