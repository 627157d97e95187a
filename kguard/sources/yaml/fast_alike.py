# SPDX-License-Identifier: Apache-2.0
"""Where does the value of a pointer stand, in a text whose shape was met before?

Texts of one shape (`fast_shapes`) differ in what stands behind `: ` up to the end of its line. So
every value begins at the same place in all of them, and its last line is the same one: only the
end of that line is looked up. Must agree with `locate_block`; a differential test holds the two
together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from kguard.model.locations import Span
from kguard.sources.yaml.documents import Location
from kguard.sources.yaml.fast_locate import is_collection, locate_block, scalar_end

_REMEMBERED = 1 << 14
_TEXTS = 16
"""Texts whose lines are kept: findings about one object quote the same few documents."""


class _Place(NamedTuple):
    """A place in all texts of a shape, lines from 0: the key, and the value without its end."""

    key: Span | None
    line: int
    column: int
    end_line: int
    whole: bool
    """Whether it is a collection, which ends where the text of its last line does."""


_PLACES: dict[tuple[int, str], _Place | None] = {}


@lru_cache(maxsize=_TEXTS)
def lines_of(text: str) -> list[str]:
    """The lines of a text, without their line feeds."""
    return text.split("\n")


def locate_alike(text: str, first_line: int, pointer: str, shape: int) -> Location | None:
    """The place of a pointer's value in a text of a shape; None where the exact way must be taken.

    Args:
        text: a document's text.
        first_line: the line of the file on which it starts.
        pointer: JSON pointer (RFC 6901) into the document's value.
        shape: `Alike.shape` of the text.
    """
    if "\r" in text:
        return None
    key = (shape, pointer)
    if key not in _PLACES:
        if len(_PLACES) >= _REMEMBERED:
            _PLACES.clear()
        _PLACES[key] = _place(text, pointer)
    place = _PLACES[key]
    end = _end(text, place) if place else None
    if place is None or end is None:
        return locate_block(text, first_line, pointer)
    name = place.key
    return Location(
        pointer,
        name and Span(first_line + name.line, name.column, first_line + name.line, name.end_column),
        Span(first_line + place.line, place.column, first_line + place.end_line, end),
    )


def _place(text: str, pointer: str) -> _Place | None:
    found = locate_block(text, 0, pointer)
    if found is None:
        return None
    value = found.value
    whole = is_collection(lines_of(text)[value.line], value.column - 1)
    return _Place(found.key, value.line, value.column, value.end_line, whole)


def _end(text: str, place: _Place) -> int | None:
    """The column behind the value; None where the value is none that `locate_block` finds."""
    last = lines_of(text)[place.end_line]
    end = len(last.rstrip()) if place.whole else scalar_end(last, place.column - 1)
    return None if end is None else end + 1
