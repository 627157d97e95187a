# SPDX-License-Identifier: Apache-2.0
"""Is a condition true for one event?

Authority: falcosecurity/libs userspace/libsinsp/filter_compare.cpp and sinsp_filtercheck.cpp: a
field that the event does not have makes the comparison false. Fields with several values match
when one of them does; either end of a connection (`fd.ip`, `fd.net`, `fd.port`) differs from a
value only where both do (sinsp_filtercheck_fd.cpp, `compare_ip`). Mounts are found by their source,
as the container plugin does.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import warnings
from collections.abc import Iterable, Mapping

import msgspec

from kguard.layers.runtime.semantics.conditions import constants
from kguard.layers.runtime.semantics.domains import is_numeric, test_of
from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Field,
    Macro,
    Not,
    Operand,
    Or,
    Transform,
    Value,
)
from kguard.layers.runtime.semantics.valuations import Values

MAX_PATTERN = 500
"""Characters of a regular expression that is tried."""

MAX_REPETITIONS = 4
"""Stars, pluses and the like in a regular expression that is tried."""

_REPETITION = re.compile(r"[*+?{]")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_NETWORKS = re.compile(r"fd\.[cslr]?(?:ip|net)")
_NETWORK_SOURCES = {"fd.snet": "fd.sip", "fd.cnet": "fd.cip", "fd.rnet": "fd.rip"}
_NETWORK_SOURCES["fd.lnet"] = "fd.lip"
_MOUNT_PARTS = ("source", "dest", "mode", "rdwr", "propagation")
_MOUNT = re.compile(r"container\.mount\.(source|dest|mode|rdwr|propagation)\[(.*)\]")
_EITHER = {"fd.ip": ("fd.sip", "fd.cip"), "fd.net": ("fd.sip", "fd.cip")}
_EITHER["fd.port"] = ("fd.sport", "fd.cport")

_OTHERWISE = frozenset({*_EITHER, *_NETWORK_SOURCES, "fd.sip", "fd.cip", "fd.rip", "fd.lip"})
"""Fields that are compared as addresses, or whose values events have under other names."""
_EQUAL = frozenset({"=", "==", "in"})

Event = Mapping[str, Values]


def holds(condition: Expression, event: Event) -> bool | None:
    """Whether the condition is true for the event; None where that cannot be told."""
    match condition:
        case Not(child):
            inner = holds(child, event)
            return None if inner is None else not inner
        case And(children):
            return _junction((holds(child, event) for child in children), decides=False)
        case Or(children):
            return _junction((holds(child, event) for child in children), decides=True)
        case Check():
            return _check(condition, event)
        case Macro():
            return None


def _junction(answers: Iterable[bool | None], *, decides: bool) -> bool | None:
    unknown = False
    for answer in answers:
        if answer is decides:
            return decides
        unknown |= answer is None
    return None if unknown else not decides


def _check(check: Check, event: Event) -> bool | None:
    left = check.left
    if isinstance(left, Field) and left.arg is None and left.name not in _OTHERWISE:
        value = event.get(left.name)
        if value is None:
            return False
        if check.op in _EQUAL and isinstance(value, str) and not is_numeric(check):
            return value in constants(check) if constants(check) else _compared(check, event)
    return _compared(check, event)


def _compared(check: Check, event: Event) -> bool | None:
    values = _values(check.left, event)
    if values is None:
        return None
    if not values:
        return False
    if check.op == "exists":
        return True
    if isinstance(check.right, Field | Transform):
        return _with_field(check, values, event)
    if isinstance(check.left, Field) and _NETWORKS.fullmatch(check.left.name):
        inside = any(_in_network(value, text) for value in values for text in constants(check))
        return not inside if check.op == "!=" else inside
    if isinstance(check.left, Field) and check.left.name in _EITHER and check.op == "!=":
        return not _any_value(msgspec.structs.replace(check, op="="), values)
    return _any_value(check, values)


def _with_field(check: Check, values: tuple[str, ...], event: Event) -> bool | None:
    """A comparison with another field: the field's values stand for the constant."""
    if not isinstance(check.right, Field | Transform):
        return None
    others = _values(check.right, event)
    if others is None:
        return None
    answers = [_any_value(Check(check.left, check.op, Value(other)), values) for other in others]
    return _junction(answers, decides=True)


def _any_value(check: Check, values: tuple[str, ...]) -> bool | None:
    if check.op == "regex":
        return _regex(check, values)
    if check.op == "pmatch":
        return any(_below(value, path) for value in values for path in constants(check))
    if check.op == "intersects":
        return bool(set(values) & set(constants(check)))
    test = test_of(check)
    return None if test is None else any(test(value) for value in values)


def _below(value: str, path: str) -> bool:
    return value == path or value.startswith(f"{path.rstrip('/')}/")


def _regex(check: Check, values: tuple[str, ...]) -> bool | None:
    """A regular expression, unless it could take for ever: repeated groups, many repetitions.

    Where Python warns that it may read a pattern otherwise one day, RE2 may do so today.
    """
    (pattern,) = constants(check) or ("",)
    repeats = len(_REPETITION.findall(pattern))
    if len(pattern) > MAX_PATTERN or repeats > MAX_REPETITIONS or _REPEATED_GROUP.search(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            compiled = re.compile(pattern)
    except (re.error, FutureWarning, OverflowError):
        return None
    return any(compiled.fullmatch(value) for value in values)


def _in_network(value: str, text: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False


def _values(operand: Operand, event: Event) -> tuple[str, ...] | None:
    match operand:
        case Value(text):
            return (text,)
        case Field(name, arg):
            return _field(name if arg is None else f"{name}[{arg}]", event)
        case Transform(name, args):
            inner = _values(args[0], event) if isinstance(args[0], Operand) else None
            return None if inner is None else _transformed(name, inner)


def _field(name: str, event: Event) -> tuple[str, ...]:
    mount = _MOUNT.fullmatch(name)
    if mount is not None:
        return _mount(mount[1], mount[2], str(event.get("container.mounts", "")))
    names = _EITHER.get(name, (_NETWORK_SOURCES.get(name, name),))
    found: list[str] = []
    for one in names:
        value = event.get(one, ())
        found += [value] if isinstance(value, str) else value
    return tuple(found)


def _mount(part: str, source: str, mounts: str) -> tuple[str, ...]:
    """A part of the first mount with a source (a number or a pattern)."""
    rows = [row.split(":") for row in mounts.split(",") if row.count(":") == len(_MOUNT_PARTS) - 1]
    for number, row in enumerate(rows):
        if source == str(number) or fnmatch.fnmatchcase(row[0], source):
            return (row[_MOUNT_PARTS.index(part)],)
    return ()


def _transformed(name: str, values: tuple[str, ...]) -> tuple[str, ...] | None:
    match name:
        case "val":
            return values
        case "tolower":
            return tuple(value.lower() for value in values)
        case "toupper":
            return tuple(value.upper() for value in values)
        case "basename":
            return tuple(value.rpartition("/")[2] for value in values)
        case "len":
            return tuple(str(len(value)) for value in values)
        case _:
            return None
