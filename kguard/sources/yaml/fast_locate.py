# SPDX-License-Identifier: Apache-2.0
"""Where does the value of a pointer stand, in a text that the fast path has read?

In plain block style the indentation tells where every collection begins and ends, so that only
the lines on the way are looked at. Must agree with `locate` on every such text; a differential
test holds the two together. Flow collections are left to the exact way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from kguard.model.locations import Span, pointer_tokens
from kguard.sources.yaml.documents import Location

_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_./$][A-Za-z0-9_./$@-]*)):(?= |$)""")
_DASH = re.compile(r"-( +)")
_SCALAR = re.compile(r""""[^"]*"|'(?:[^']|'')*'|(?:[^\s#]|(?<=\S)#| +(?=[^\s#]))+""")
_REMEMBERED = 64
"""Documents whose lines are kept: evidence often has several places in one document."""


class _Place(NamedTuple):
    """Where a collection or scalar starts: number of the content row, column from 0."""

    row: int
    column: int


class _Child(NamedTuple):
    key: _Place | None
    name: str
    """The key as it is written."""
    value: _Place | None


def locate_block(text: str, first_line: int, pointer: str) -> Location | None:
    """The place of a pointer's value; None where the exact way must be taken."""
    block = _remembered(text)
    at = block.start()
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
    value = Span(block.numbers[at.row] + first_line, at.column + 1, end[0] + first_line, end[1] + 1)
    key_span = None
    if key is not None:
        line = block.numbers[key.row] + first_line
        key_span = Span(line, key.column + 1, line, key.column + 1 + len(name))
    return Location(pointer, key_span, value)


class _Block:
    """The lines of a text; `numbers` and `columns` are those of the rows with content."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.numbers: list[int] = []
        self.columns: list[int] = []
        for number, line in enumerate(self.lines):
            content = line.lstrip(" ")
            if content and content[0] != "#":
                self.numbers.append(number)
                self.columns.append(len(line) - len(content))

    def start(self) -> _Place | None:
        """Where the document's value starts, behind its separator."""
        row = 1 if self.lines[0].startswith("---") else 0
        return _Place(row, self.columns[row]) if row < len(self.columns) else None

    def _line(self, row: int) -> str:
        return self.lines[self.numbers[row]]

    def _dashed(self, row: int, column: int) -> bool:
        return self._line(row).startswith("- ", column)

    def child(self, at: _Place, token: str) -> _Child | None:
        """The member or item of the collection at a place; None where there is none."""
        if self._dashed(*at):
            return self._item(at, int(token)) if token.isdecimal() else None
        return self._member(at, token)

    def _item(self, at: _Place, index: int) -> _Child | None:
        row, column = at
        while True:
            dash = _DASH.match(self._line(row), column)
            if dash is None:
                return None
            if index == 0:
                return _Child(None, "", _Place(row, dash.end()))
            index -= 1
            following = self._next(row, column)
            if following is None:
                return None
            row = following

    def _next(self, row: int, column: int) -> int | None:
        """The next row at a column, in the same collection."""
        columns = self.columns
        for number in range(row + 1, len(columns)):
            if columns[number] <= column:
                return number if columns[number] == column else None
        return None

    def _member(self, at: _Place, token: str) -> _Child | None:
        row: int | None = at.row
        column = at.column
        while row is not None:
            line = self._line(row)
            if line.startswith(token, column) or line.startswith(("'", '"'), column):
                match = _KEY.match(line, column)
                if match and (match[1] or match[2] or match[3] or "") == token:
                    value = self._value(row, match.end(), column)
                    return _Child(_Place(row, column), match[0][:-1], value)
            row = self._next(row, column)
        return None

    def _value(self, row: int, after: int, column: int) -> _Place | None:
        """Where the value starts of a key at `column` that ends before `after`."""
        rest = self._line(row)[after:]
        stripped = rest.lstrip(" ")
        if stripped and stripped[0] != "#":
            return _Place(row, after + len(rest) - len(stripped))
        below = row + 1
        if below == len(self.columns) or self.columns[below] < column:
            return None
        deeper = self.columns[below] > column or self._dashed(below, column)
        return _Place(below, self.columns[below]) if deeper else None

    def end(self, at: _Place) -> tuple[int, int] | None:
        """Line and column where a value ends; None for flow collections and block scalars."""
        number, text = self.numbers[at.row], self._line(at.row)
        if text[at.column] in "[{|>":
            return None
        if not (self._dashed(*at) or _KEY.match(text, at.column)):
            match = _SCALAR.match(text, at.column)
            return (number, match.end()) if match else None
        stop = self._after(at)
        while stop > number and not self.lines[stop - 1].strip():
            stop -= 1
        return stop - 1, len(self.lines[stop - 1].rstrip())

    def _after(self, at: _Place) -> int:
        """The first line of content that is no longer part of the collection."""
        dashed = self._dashed(*at)
        for row in range(at.row + 1, len(self.columns)):
            column = self.columns[row]
            outside = column < at.column
            if outside or (column == at.column and dashed and not self._dashed(row, column)):
                return self.numbers[row]
        return len(self.lines)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(text: str) -> _Block:
    return _Block(text)
