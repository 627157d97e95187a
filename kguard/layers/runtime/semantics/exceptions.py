# SPDX-License-Identifier: Apache-2.0
"""What do the exceptions of a rule add to its condition?

Authority: falcosecurity/falco userspace/engine/rule_loader_collector.cpp
(`validate_exception_info`), rule_loader_compiler.cpp (`build_rule_exception_infos`) and
rule_loader_cmpop.h (operators with `oneof`, `anyof`, `allof`).
"""

from __future__ import annotations

import re

import msgspec

from kguard.layers.runtime.semantics.expressions import Check, Field, Transform, fields_of
from kguard.layers.runtime.semantics.fields import FieldError, find_field
from kguard.layers.runtime.semantics.lexer import (
    LIST_OPERATORS,
    MODIFIERS,
    OPERATORS,
    SYMBOL_OPERATORS,
    WORD_OPERATORS,
    ConditionError,
)
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.results import Context, LoadError

_TRANSFORMED = re.compile(r"[a-z0-9]+\(.*\)", re.DOTALL)


class Entry(msgspec.Struct):
    """A scalar or a list in `fields`, `comps` or `values`."""

    item: str = ""
    items: list[Entry] = []
    is_list: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether something was written."""
        return bool(self.items) if self.is_list else bool(self.item)


class RuleException(msgspec.Struct):
    """One exception of a rule."""

    name: str
    fields: Entry
    comps: Entry
    values: list[Entry]
    context: Context


class Checks(msgspec.Struct, frozen=True):
    """What the engine holds exceptions of a rule against."""

    providers: frozenset[str] | None
    """Who provides fields; None where the rule's source is unknown: then no field is checked."""
    has_modifiers: bool = True


def _refuse(message: str, exception: RuleException) -> LoadError:
    return LoadError("LOAD_ERR_VALIDATE", message, exception.context)


def is_modified(op: str) -> bool:
    """Whether an operator is one on strings with a modifier, like `startswith oneof`."""
    base, _, modifier = op.partition(" ")
    return modifier in MODIFIERS and base in (*SYMBOL_OPERATORS, *WORD_OPERATORS)


def _takes_list(op: str) -> bool:
    return op in LIST_OPERATORS or is_modified(op)


def validate(exception: RuleException, checks: Checks, required: str) -> None:
    """Complete and check an exception.

    Raises:
        LoadError: the engine refuses it.
    """
    if not exception.fields.is_valid:
        message = f"Rule exception {required} have fields property with a list of fields"
        raise _refuse(message, exception)
    if exception.fields.is_list:
        _validate_lists(exception, checks)
    else:
        _validate_single(exception, checks)
    if checks.providers is not None:
        for name in _field_texts(exception):
            if not _is_field(name, checks.providers):
                raise _refuse(f"'{name}' is not a supported filter field", exception)


def _validate_lists(exception: RuleException, checks: Checks) -> None:
    fields, comps = exception.fields.items, exception.comps
    if not comps.is_valid:
        comps.is_list = True
        comps.items = [Entry("=") for _ in fields]
    if len(fields) != len(comps.items):
        raise _refuse("Fields and comps lists must have equal length", exception)
    for entry in comps.items:
        entry.item = " ".join(entry.item.split())
        modified = checks.has_modifiers and is_modified(entry.item)
        if entry.item not in OPERATORS and not modified:
            raise _refuse(f"'{entry.item}' is not a supported comparison operator", exception)


def _validate_single(exception: RuleException, checks: Checks) -> None:
    comps = exception.comps
    if not comps.is_valid:
        comps.is_list, comps.item = False, "in"
    if comps.is_list:
        raise _refuse("Fields and comps must both be strings", exception)
    comps.item = " ".join(comps.item.split())
    if comps.item in LIST_OPERATORS or (checks.has_modifiers and is_modified(comps.item)):
        return
    message = "When fields is a single value, comps must be one of (in, pmatch, intersects)"
    if checks.has_modifiers:
        message += " or a modifier operator (e.g. startswith oneof)"
    raise _refuse(message, exception)


def _field_texts(exception: RuleException) -> list[str]:
    fields = exception.fields
    return [entry.item for entry in fields.items] if fields.is_list else [fields.item]


def _is_field(text: str, providers: frozenset[str]) -> bool:
    operand = parse_operand(text)
    if operand is None:
        return False
    try:
        for field in fields_of(operand):
            find_field(field.name, field.arg, providers)
    except FieldError:
        return False
    return True


def parse_operand(text: str) -> Field | Transform | None:
    """The field or transformer that a text is, or None."""
    try:
        check = parse(f"{text} exists")
    except ConditionError:
        return None
    return check.left if isinstance(check, Check) else None


def add_exceptions(known: list[RuleException], new: list[RuleException], checks: Checks) -> None:
    """Append exceptions to a rule's: new ones, or values for those of the same name.

    Raises:
        LoadError: the engine refuses one.
    """
    for exception in new:
        same = next((entry for entry in known if entry.name == exception.name), None)
        if same is not None:
            _add_values(same, exception)
            continue
        if exception.fields.is_valid and not exception.values:
            message = "Rule exception must have values property with a list of values"
            raise _refuse(message, exception)
        validate(exception, checks, required="must")
        known.append(exception)


def _add_values(same: RuleException, exception: RuleException) -> None:
    for part, entry in (("fields", exception.fields), ("comps", exception.comps)):
        if entry.is_valid:
            message = f"Can not append exception {part} to existing exception, only values"
            raise _refuse(message, exception)
    same.values.extend(exception.values)


def with_exceptions(condition: str, exceptions: list[RuleException]) -> str:
    """The text of a condition with its exceptions, as the engine writes it before parsing.

    Raises:
        LoadError: values that do not fit the fields.
    """
    if not exceptions:
        return condition
    pieces = [f"({condition})"]
    for exception in exceptions:
        text = _listed(exception) if exception.fields.is_list else _single(exception)
        if text:
            pieces.append(f" and not {text}")
    return "".join(pieces)


def _single(exception: RuleException) -> str:
    if any(value.is_list for value in exception.values):
        raise _refuse("Expected values array to contain a list of strings", exception)
    if not exception.values:
        return ""
    values = ", ".join(quote(value.item) for value in exception.values)
    return f"({exception.fields.item} {exception.comps.item} ({values}))"


def _listed(exception: RuleException) -> str:
    alternatives = [_tuple(exception, values) for values in exception.values]
    return f"({' or '.join(alternatives)})" if alternatives else ""


def _tuple(exception: RuleException, values: Entry) -> str:
    fields, comps = exception.fields.items, exception.comps.items
    if len(fields) != len(values.items):
        raise _refuse("Fields and values lists must have equal length", exception)
    parts = [
        f" {field.item} {comp.item} {_value(value, comp.item)}"
        for field, comp, value in zip(fields, comps, values.items, strict=True)
    ]
    return f"({' and '.join(parts)})"


def _value(value: Entry, op: str) -> str:
    if value.is_list:
        return f"({', '.join(quote(entry.item) for entry in value.items)})"
    if _takes_list(op):
        return value.item if value.item.startswith("(") else f"({value.item})"
    return quote(value.item)


def quote(item: str) -> str:
    """An item as the engine puts it into a condition: in quotes if it holds a blank."""
    if " " not in item or item[0] in "\"'":
        return item
    if _TRANSFORMED.fullmatch(item) and isinstance(parse_operand(item), Transform):
        return item
    return f'"{item}"'
