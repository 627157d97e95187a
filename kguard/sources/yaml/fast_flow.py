# SPDX-License-Identifier: Apache-2.0
"""Can a one-line flow collection be read without a YAML parser?

Part of the fast way: plain and simply quoted scalars, nested lists and mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_PLAIN = (
    r"[A-Za-z0-9_./$](?:[A-Za-z0-9_./$@%+=~*()<>;^-]|:(?=[A-Za-z0-9/]))*+"
    r"|-(?=[A-Za-z0-9.-])[A-Za-z0-9_./=-]*+"
)
_TOKEN = re.compile(
    rf""" *+(?:(?P<plain>{_PLAIN})|"(?P<double>[^"\\]*+)"|'(?P<single>(?:[^']|'')*+)')"""
    r"""(?P<colon>:(?= ))? *+"""
)
_OPEN = re.compile(r" *+([\[{]) *+([\]}])?")
_END = re.compile(r" *(?:(?<= )#.*)?")
_DEEPEST = 20


def parse_flow(
    text: str, scalar: Callable[[str], Any], key: Callable[[str], str]
) -> dict[str, Any] | list[Any] | None:
    """The collection that a line's remainder consists of, None if it is not simple enough.

    Args:
        text: from the opening bracket to the end of the line.
        scalar: the value of a plain scalar.
        key: the text of a plain key.
    """
    found = _Flow(text, scalar, key).collection(0, 0)
    if found is None:
        return None
    value, end = found
    return value if _END.fullmatch(text, end) else None


class _Flow:
    """Recursive descent over one line; every step gives a value and where it ends, or None."""

    def __init__(self, text: str, scalar: Callable[[str], Any], key: Callable[[str], str]) -> None:
        self.text = text
        self.scalar = scalar
        self.key = key

    def collection(self, at: int, depth: int) -> tuple[Any, int] | None:
        match = _OPEN.match(self.text, at)
        if match is None or depth > _DEEPEST:
            return None
        closing = "]" if match[1] == "[" else "}"
        if match[2]:
            empty: Any = [] if match[1] == "[" else {}
            return (empty, match.end()) if match[2] == closing else None
        if closing == "]":
            return self._sequence(match.end(), depth)
        return self._mapping(match.end(), depth)

    def _sequence(self, at: int, depth: int) -> tuple[list[Any], int] | None:
        items: list[Any] = []
        while (found := self._value(at, depth)) is not None:
            items.append(found[0])
            at = found[1]
            if self.text[at : at + 1] == "]":
                return items, at + 1
            if self.text[at : at + 1] != ",":
                break
            at += 1
        return None

    def _mapping(self, at: int, depth: int) -> tuple[dict[str, Any], int] | None:
        members: dict[str, Any] = {}
        while (match := _TOKEN.match(self.text, at)) is not None and match["colon"]:
            name = self.key(match["plain"]) if match["plain"] else self._quoted(match)
            found = self._value(match.end(), depth)
            if found is None or name in members:
                break
            members[name] = found[0]
            at = found[1]
            if self.text[at : at + 1] == "}":
                return members, at + 1
            if self.text[at : at + 1] != ",":
                break
            at += 1
        return None

    def _value(self, at: int, depth: int) -> tuple[Any, int] | None:
        match = _TOKEN.match(self.text, at)
        if match is None:
            return self._nested(at, depth)
        if match["colon"]:
            return None
        value = self.scalar(match["plain"]) if match["plain"] else self._quoted(match)
        return value, match.end()

    def _nested(self, at: int, depth: int) -> tuple[Any, int] | None:
        found = self.collection(at, depth + 1)
        if found is None:
            return None
        value, end = found
        while self.text[end : end + 1] == " ":
            end += 1
        return value, end

    @staticmethod
    def _quoted(match: re.Match[str]) -> str:
        double = match["double"]
        return str(double) if double is not None else match["single"].replace("''", "'")
