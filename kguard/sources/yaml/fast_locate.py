# SPDX-License-Identifier: Apache-2.0
"""Where does the value of a pointer stand, in a text that the fast path has read?

In plain block style the indentation tells where every collection begins and ends, so that only
the lines on the way are looked at. Must agree with `locate` on every such text; a differential
test holds the two together. Flow collections are left to the exact way.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kguard.model.locations import Span, pointer_tokens
from kguard.sources.yaml.documents import Location

_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_./$][A-Za-z0-9_./$@-]*)):(?= |$)""")
_DASH = re.compile(r"-( +)")
_SCALAR = re.compile(r""""[^"]*"|'(?:[^']|'')*'|(?:[^\s#]|(?<=\S)#| +(?=[^\s#]))+""")


class _Place(NamedTuple):
    """Where a collection or scalar starts: line number from 0, column from 0."""

    line: int
    column: int


def locate_block(text: str, first_line: int, pointer: str) -> Location | None:
    """The place of a pointer's value; None where the exact way must be taken."""
    block = _Block(text.replace("\r\n", "\n").split("\n"))
    at = block.first_content(1 if text.startswith("---") else 0)
    if "\r" in text or at is None:
        return None
    key: _Place | None = None
    name = ""
    for token in pointer_tokens(pointer):
        found = block.child(at, token)
        if found is None or found.value is None:
            return None
        key, name, at = found.key, found.name, found.value
    end = block.end(at)
    if end is None:
        return None
    start, stop = (at.line + first_line, at.column + 1), (end.line + first_line, end.column + 1)
    key_span = None
    if key is not None:
        row = key.line + first_line
        key_span = Span(row, key.column + 1, row, key.column + 1 + len(name))
    return Location(pointer, key_span, Span(*start, *stop))


class _Child(NamedTuple):
    key: _Place | None
    name: str
    """The key as it is written."""
    value: _Place | None


class _Block:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def first_content(self, line: int) -> _Place | None:
        """The first line from `line` on that is neither blank nor a comment."""
        for number in range(line, len(self.lines)):
            stripped = self.lines[number].lstrip(" ")
            if stripped and stripped[0] != "#":
                return _Place(number, len(self.lines[number]) - len(stripped))
        return None

    def child(self, at: _Place, token: str) -> _Child | None:
        """The member or item of the collection at a place; None where there is none."""
        if self.lines[at.line].startswith("- ", at.column):
            return self._item(at, int(token)) if token.isdecimal() else None
        return self._member(at, token)

    def _rows(self, at: _Place) -> list[_Place]:
        """The lines at the column of a collection that begins at `at`, until it ends."""
        found, number = [at], at.line + 1
        while (place := self.first_content(number)) is not None and place.column >= at.column:
            if place.column == at.column:
                found.append(place)
            number = place.line + 1
        return found

    def _item(self, at: _Place, index: int) -> _Child | None:
        rows = []
        for row in self._rows(at):
            dash = _DASH.match(self.lines[row.line], row.column)
            if dash is None:
                break
            rows.append(_Place(row.line, dash.end()))
        return _Child(None, "", rows[index]) if index < len(rows) else None

    def _member(self, at: _Place, token: str) -> _Child | None:
        for row in self._rows(at):
            match = _KEY.match(self.lines[row.line], row.column)
            if match and (match[1] or match[2] or match[3] or "") == token:
                value = self._value(_Place(row.line, match.end()), at.column)
                return _Child(row, match[0][:-1], value)
        return None

    def _value(self, after: _Place, column: int) -> _Place | None:
        """Where the value of a key starts that ends before `after`."""
        rest = self.lines[after.line][after.column :]
        stripped = rest.lstrip(" ")
        if stripped and stripped[0] != "#":
            return _Place(after.line, after.column + len(rest) - len(stripped))
        below = self.first_content(after.line + 1)
        if below is None or below.column < column:
            return None
        dashed = self.lines[below.line].startswith("- ", below.column)
        return below if below.column > column or dashed else None

    def end(self, at: _Place) -> _Place | None:
        """Where the text of a value ends; None for flow collections and block scalars."""
        text = self.lines[at.line]
        if text[at.column] in "[{|>":
            return None
        collection = text.startswith("- ", at.column) or _KEY.match(text, at.column)
        if not collection:
            match = _SCALAR.match(text, at.column)
            return _Place(at.line, match.end()) if match else None
        number = self._after(at)
        while number > at.line and not self.lines[number - 1].strip():
            number -= 1
        return _Place(number - 1, len(self.lines[number - 1].rstrip()))

    def _after(self, at: _Place) -> int:
        """The first line of content that is no longer part of the collection."""
        dashed = self.lines[at.line].startswith("- ", at.column)
        number = at.line + 1
        while (place := self.first_content(number)) is not None:
            dash = self.lines[place.line].startswith("- ", place.column)
            if place.column < at.column or (place.column == at.column and dashed and not dash):
                return place.line
            number = place.line + 1
        return len(self.lines)
