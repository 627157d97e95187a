# SPDX-License-Identifier: Apache-2.0
"""Which fields and event types exist, and what can be compared with them?

Authority: tables recorded from the Falco 0.44.1 engine and its plugins (`../tables`), the value
parsers of falcosecurity/libs userspace/libsinsp/sinsp_filtercheck.cpp and the comparisons of
filter_compare.cpp.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from kguard.layers.runtime.semantics.regexps import complaint

_TABLES = Path(__file__).resolve().parent.parent / "tables"

Argument = Literal["none", "allowed", "required"]

UNKNOWN_PROVIDER = "?"
"""Stands for plugins whose fields are not recorded: any name may be theirs."""
GENERIC_PROVIDER = "generic"
"""The fields of the engine that events of every source have."""
_GENERIC = re.compile(
    r"evt\.(?:num|time|datetime|rawtime|reltime|pluginname|plugininfo|source|is_async|asynctype"
    r"|hostname)(?:\..*)?"
)
_DOTTED = ("evt.arg", "evt.rawarg", "evt.type.is", "thread.cgroup")
_EVENT_NAMES = re.compile(r"(?:evt\.type|syscall\.type)")
_NUMERIC = frozenset({"int", "uint", "double", "reltime", "abstime", "port"})
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)")
_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")
_MEMBERSHIP = frozenset({"in", "intersects", "exists"})
_EQUALITY = _MEMBERSHIP | {"=", "==", "!="}
_ORDER = _EQUALITY | {"<", "<=", ">", ">="}
_COMPARABLE = {
    "number": _ORDER,
    "bool": _EQUALITY,
    "address": _EQUALITY,
    "list": _MEMBERSHIP,
    "text": _ORDER
    | {"contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "pmatch"},
    "bytes": _EQUALITY | {"contains", "startswith", "endswith", "bcontains", "bstartswith"},
}
_ADDRESSES = ("address", "for ip address and network filters")
_GROUPS = {
    **dict.fromkeys(_NUMERIC, ("number", "for numeric filters")),
    "bool": ("bool", "for numeric filters"),
    "ip": _ADDRESSES,
    "net": _ADDRESSES,
    "string": ("text", "for string filters"),
    "bytes": ("bytes", "for buffer filters"),
}
"""How each type is compared, and what the engine calls it; `dynamic` ones may be anything."""


class FieldError(ValueError):
    """The engine refuses the field or the value; `unknown` where the name does not exist."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.unknown = unknown


class FieldType(msgspec.Struct, frozen=True):
    """A field as its provider declares it."""

    name: str
    type: str
    provider: str
    argument: Argument
    is_list: bool = False
    deprecated: bool = False
    print_only: bool = False


@cache
def field_table() -> dict[str, FieldType]:
    """Every recorded field by name."""
    return {field.name: field for field in _read_fields()}


def _read_fields() -> Iterator[FieldType]:
    for line in (_TABLES / "fields.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        provider, name, kind, flags, *_ = (*line.split(" "), "")
        argument: Argument = "required" if "r" in flags else "allowed" if "a" in flags else "none"
        yield FieldType(name, kind, provider, argument, "l" in flags, "d" in flags, "p" in flags)


@cache
def event_types() -> frozenset[str]:
    """Every name that `evt.type` can have."""
    lines = (_TABLES / "events.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@lru_cache(maxsize=8192)
def find_field(name: str, arg: str | None, providers: frozenset[str]) -> FieldType:
    """The field that a condition names.

    Raises:
        FieldError: nothing that is loaded provides it, or its argument is wrong.
    """
    field = field_table().get(name)
    if field is None:
        field, arg = _dotted(name)
    if field is None and UNKNOWN_PROVIDER in providers:
        return FieldType(name, "dynamic", UNKNOWN_PROVIDER, "allowed")
    if field is None or not _provided(field, providers):
        message = f"filter_check called with nonexistent field {name}"
        raise FieldError(message, unknown=True)
    if field.argument == "required" and not arg:
        raise FieldError(f"filter {name} must be followed by an argument")
    if field.argument == "none" and arg is not None:
        raise FieldError(f"field {name} does not take an argument")
    return field


def _provided(field: FieldType, providers: frozenset[str]) -> bool:
    if field.provider in providers:
        return True
    generic = GENERIC_PROVIDER in providers and field.provider == "engine"
    return generic and bool(_GENERIC.fullmatch(field.name))


def _dotted(name: str) -> tuple[FieldType | None, str]:
    for base in _DOTTED:
        if name.startswith(f"{base}."):
            return field_table()[base], name[len(base) + 1 :]
    return None, ""


def check_value(field: FieldType, op: str, text: str) -> None:
    """Whether the engine takes a constant for a comparison with a field.

    Raises:
        FieldError: it does not.
    """
    if op in ("bcontains", "bstartswith"):
        if not _HEXADECIMAL.fullmatch(text):
            raise FieldError("filter error: bcontains and bstartswith support hex strings only")
        return
    if op.startswith("regex"):
        refused = complaint(text)
        if refused:
            raise FieldError(f"invalid regex pattern: {refused}")
        return
    if _EVENT_NAMES.fullmatch(field.name) and op in ("=", "==", "!=", "in"):
        if text not in event_types():
            raise FieldError(f"filter error: unknown event type {text}", unknown=True)
        return
    _check_constant(field.type, text)


def _check_constant(kind: str, text: str) -> None:
    if kind in ("int", "uint", "double") and not _NUMBER.fullmatch(text):
        raise FieldError(f"{text} is not a valid number")
    if kind == "bool" and text.lower() not in ("true", "false"):
        raise FieldError(f"filter error: unrecognized boolean value {text}")
    if kind == "ip" and not _address(text):
        raise FieldError(f"unrecognized IP address {text}")
    if kind == "net" and not _network(text):
        raise FieldError(f"unrecognized IP network {text}")


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _network(text)
    return True


def _network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def check_operator(kind: str, op: str, *, is_list: bool = False) -> None:
    """Whether the engine can apply an operator to a type (filter_compare.cpp, `flt_is_comparable`).

    Raises:
        FieldError: it cannot.
    """
    base = op.split(" ", 1)[0]
    group, words = ("list", "list filters") if is_list else _GROUPS.get(kind, ("", ""))
    if group and base not in _COMPARABLE[group]:
        shown = "=" if base == "==" else base
        raise FieldError(f"filter error: '{shown}' operator not supported {words}")
