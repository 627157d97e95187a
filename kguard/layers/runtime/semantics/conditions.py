# SPDX-License-Identifier: Apache-2.0
"""Does the engine take a resolved condition, and what does it warn of?

Authority: falcosecurity/falco userspace/engine/filter_warning_resolver.cpp and
rule_loader_compiler.cpp (`compile_condition`), falcosecurity/libs
userspace/libsinsp/filter.cpp (`sinsp_filter_compiler`).
"""

from __future__ import annotations

from functools import lru_cache

from kguard.layers.runtime.semantics.definitions import Definitions, RuleInfo
from kguard.layers.runtime.semantics.expressions import (
    Check,
    Expression,
    Field,
    ListValue,
    Transform,
    Value,
    checks,
    fields_of,
)
from kguard.layers.runtime.semantics.fields import (
    FieldError,
    check_operator,
    check_value,
    field_table,
    find_field,
)
from kguard.layers.runtime.semantics.outputs import DEPRECATED_FIELDS
from kguard.layers.runtime.semantics.results import LoadError, LoadResult

_UNSAFE_PREFIXES = ("ka.", "jevt.")
_EQUALITY = frozenset({"==", "=", "!=", "in", "intersects", "pmatch"})
_KEEPING = frozenset({"val", "tolower", "toupper", "b64", "basename"})
"""Transformers whose values are of the type of their field (sinsp_filter_transformers)."""
_NO_VALUE = "<NA>"
_DIRECTION = (
    "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and 'evt.dir = >' "
    "always evaluates to false. The rule expression can be simplified by removing the condition "
    "on 'evt.dir'"
)
_LATENCY = "field is not available due to the drop of enter events."
_UNSAFE = "comparing a field with <NA> is unsafe, use the 'exists' operator instead"


def check_condition(
    condition: Expression,
    text: str,
    rule: RuleInfo,
    definitions: Definitions,
    result: LoadResult,
) -> bool:
    """Check every comparison; False where the rule is skipped for an unknown field.

    Raises:
        LoadError: the engine refuses the condition.
    """
    found = list(checks(condition))
    _warn_of_habits(found, rule, result)
    misused: list[str] = []
    providers = definitions.environment.providers(rule.source)
    for check in found:
        try:
            misused += _compile(check, providers)
        except FieldError as error:
            place = rule.condition_context.in_condition(text, check.pos, 1, check.pos + 1)
            if error.unknown and rule.skip_if_unknown_filter:
                result.warn("LOAD_UNKNOWN_FILTER", error.message, place)
                return False
            raise LoadError("LOAD_ERR_COMPILE_CONDITION", error.message, place) from error
    for word in misused:
        message = f"'{word}' may be a valid field misused as a const string value"
        result.warn("LOAD_COMPILE_CONDITION", message, rule.condition_context)
    return True


def _warn_of_habits(found: list[Check], rule: RuleInfo, result: LoadResult) -> None:
    names = {field.name for check in found for field in fields_of(check.left)}
    for name in DEPRECATED_FIELDS:
        if name in names:
            message = _DIRECTION if name == "evt.dir" else _LATENCY
            result.warn("LOAD_DEPRECATED_ITEM", message, rule.condition_context)
    if any(_compares_nothing(check) for check in found):
        result.warn("LOAD_UNSAFE_NA_CHECK", _UNSAFE, rule.condition_context)


def _compares_nothing(check: Check) -> bool:
    if check.op not in _EQUALITY or not isinstance(check.left, Field):
        return False
    return check.left.name.startswith(_UNSAFE_PREFIXES) and _NO_VALUE in constants(check)


def constants(check: Check) -> tuple[str, ...]:
    """The constants on the right-hand side of a comparison."""
    match check.right:
        case Value(text):
            return (text,)
        case ListValue(items):
            return items
        case _:
            return ()


@lru_cache(maxsize=65_536)  # a ruleset is loaded several times with few changes
def _compile(check: Check, providers: frozenset[str]) -> tuple[str, ...]:
    """Check one comparison; returns constants that look like fields."""
    for side in (check.left, check.right):
        for field in fields_of(side):
            find_field(field.name, field.arg, providers)
    kind, is_list = _compared(check.left, providers)
    check_operator(kind, check.op, is_list=is_list)
    if isinstance(check.right, Field | Transform):
        _check_other_field(kind, check.op)
    for text in constants(check):
        if isinstance(check.left, Field):
            check_value(find_field(check.left.name, check.left.arg, providers), check.op, text)
    return tuple(text for text in constants(check) if text in field_table())


def _check_other_field(kind: str, op: str) -> None:
    """Whether a comparison can be one with another field (sinsp_filtercheck.cpp)."""
    base = op.split(" ", 1)[0]
    if base in ("pmatch", "regex"):
        raise FieldError(f"operator '{base.upper()}' doesn't support right-hand side fields")
    if kind == "net":
        raise FieldError("field type 'IPNET' doesn't support right-hand side fields")


def _compared(left: Field | Transform, providers: frozenset[str]) -> tuple[str, bool]:
    """The type of what is compared, and whether it is a list of such."""
    if isinstance(left, Field):
        field = find_field(left.name, left.arg, providers)
        return field.type, field.is_list
    if left.name == "len":
        return "uint", False
    first = left.args[0]
    if left.name in _KEEPING and isinstance(first, Field | Transform):
        return _compared(first, providers)
    return "dynamic", False
