# SPDX-License-Identifier: Apache-2.0
"""How is the JSON form of a protocol buffer read?

Authority: the protocol buffers' JSON mapping (protobuf.dev/programming-guides/json): field names
in lower camel case or as in the .proto file, bytes in standard or URL-safe base64 with or without
padding, 64-bit integers as numbers or strings, unknown fields refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from kguard.layers.images.verification.rejected import unsupported

_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")
_INT32, _INT64 = 1 << 31, 1 << 63


def message(value: Any, names: tuple[str, ...], where: str) -> dict[str, Any]:
    """The fields of a message under their camel-case names; null counts as absent.

    Raises:
        RejectedError: it is no object, or has an unknown or doubled field.
    """
    if not isinstance(value, dict):
        raise unsupported(f"{where} is no object")
    known = _aliases(names)
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = known.get(key)
        if name is None:
            raise unsupported(f"{where} has an unknown field {key!r}")
        if name in found:
            raise unsupported(f"{where} has the field {key!r} twice")
        if item is not None:
            found[name] = item
    return found


def optional(value: Any, names: tuple[str, ...], where: str) -> dict[str, Any]:
    """Like `message`; an absent one has no fields."""
    return message({} if value is None else value, names, where)


@cache
def _aliases(names: tuple[str, ...]) -> dict[str, str]:
    """The names by the forms in which they may be written."""
    return {alias: name for name in names for alias in (name, _snake(name))}


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def octets(value: Any, where: str) -> bytes:
    """A field of type bytes; an absent one is empty."""
    if value is None:
        return b""
    found = _octets(value) if isinstance(value, str) else None
    if found is None:
        raise unsupported(f"{where} is no base64 text")
    return found


def _octets(value: str) -> bytes | None:
    """As Go's protojson: a text whose length is no multiple of four has no padding."""
    text = value.replace("\r", "").replace("\n", "")
    url_safe = "-" in text or "_" in text
    if not (_URL_SAFE if url_safe else _STANDARD).match(text):
        return None
    padding = "=" * (-len(text) % 4)
    if "=" in text if len(value) % 4 else padding:
        return None
    try:
        return base64.b64decode(text + padding, altchars=b"-_" if url_safe else None)
    except binascii.Error:
        return None


def standard_base64(value: Any) -> bytes | None:
    """Standard base64 as Go reads it, which skips line breaks; None where it is none."""
    if not isinstance(value, str):
        return None
    text = value.replace("\r", "").replace("\n", "")
    if len(text) % 4 or not _STANDARD.match(text):
        return None  # Python takes one sign of padding too many
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return None


def integer(value: Any, where: str) -> int:
    """A field of type int64; an absent one is 0."""
    if value is None:
        return 0
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise unsupported(f"{where} is no integer")
    return value


def text(value: Any, where: str) -> str:
    """A field of type string; an absent one is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise unsupported(f"{where} is no text")
    return value


def enumeration(value: Any, names: Iterable[str], where: str) -> None:
    """Check a field of an enumeration: a known name, any 32-bit number, or nothing.

    Raises:
        RejectedError: it is none of them.
    """
    number = type(value) is int and -_INT32 <= value < _INT32
    if value is not None and not number and value not in names:
        raise unsupported(f"{where} has no known value")


def items(value: Any, where: str) -> list[Any]:
    """A repeated field."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise unsupported(f"{where} is no list")
    return value
