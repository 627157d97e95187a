# SPDX-License-Identifier: Apache-2.0
"""Has a chunk been read that differs from this one in nothing but its values?

Generated manifests and dumps hold thousands of objects of the same shape: the same lines with
other scalars behind `: `. The shape is read once by `fast`, with a placeholder for each
such value, and kept as JSON text with gaps; for every further chunk the gaps are filled and the
JSON is decoded, in a quarter of the time. What is refused here is left to the line by line way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import msgspec

from kguard.sources.yaml.fast import Unsupported, plain_text, read_lines, value_of
from kguard.sources.yaml.scalars import WORDS

_LONGEST = 1 << 14
_SHAPES = 512
_SEEN = 1 << 13
_CACHED_VALUES = 1 << 16
_GAP = "\0"
"""Stands for a value in a shape; no text of the fast way holds it."""
_MARK = "kguard-gap-"

# A value takes the rest of its line. Longer ones stay in the shape, so that no cache holds them.
_VALUE = re.compile(r": ([^\n ][^\n]{0,149}+)(?=\n)")

# What can be no other value than the text itself.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*+(?::[A-Za-z0-9_./@-]++)*+")

UNKNOWN_SHAPE = 0


class Alike(NamedTuple):
    """The value of a chunk; chunks with the same number have the same shape."""

    value: Any
    shape: int = UNKNOWN_SHAPE


class _Template(NamedTuple):
    """JSON text and values in turn, where the values are to be filled in."""

    shape: int
    pieces: list[str]


class Shapes:
    """What is remembered of the chunks that were read; both memories are bounded."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._templates: dict[str, _Template | None] = {}
        self._numbers = count(UNKNOWN_SHAPE + 1)

    def read(self, text: str) -> Alike:
        """The value of a chunk, as `load_block` reads it.

        Raises:
            Unsupported: it holds something outside the subset.
        """
        text = plain_text(text)
        if len(text) > _LONGEST:
            return Alike(read_lines(text))
        pieces = _VALUE.split(text)
        template = self._template(_GAP.join(pieces[::2]))
        if template is None or len(template.pieces) != len(pieces):
            return Alike(read_lines(text))
        filled = template.pieces.copy()
        try:
            filled[1::2] = map(_json, pieces[1::2])
        except Unsupported:
            return Alike(read_lines(text))
        return Alike(msgspec.json.decode("".join(filled)), template.shape)

    def _template(self, shape: str) -> _Template | None:
        """The template of a shape that is met again, None where it has none."""
        if shape in self._templates:
            return self._templates[shape]
        if hash(shape) not in self._seen:
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen.add(hash(shape))
            return None
        if len(self._templates) >= _SHAPES:
            self._templates.clear()
        pieces = _pieces(shape)
        template = _Template(next(self._numbers), pieces) if pieces else None
        return self._templates.setdefault(shape, template)


def _pieces(shape: str) -> list[str] | None:
    """The pieces of a shape's template; None where a gap is no value of the whole."""
    heads = shape.split(_GAP)
    if len(heads) == 1 or _MARK in shape:
        return None
    marked = "".join(f"{head}: {_MARK}{number}" for number, head in enumerate(heads[:-1]))
    try:
        value = read_lines(marked + heads[-1])
    except Unsupported:
        return None
    pieces = re.split(rf'"{_MARK}(\d+)"', msgspec.json.encode(value).decode())
    in_order = pieces[1::2] == [str(number) for number in range(len(heads) - 1)]
    return pieces if in_order else None


@lru_cache(maxsize=_CACHED_VALUES)
def _json(text: str) -> str:
    """The JSON text of what stands behind a key.

    Raises:
        Unsupported: it is no value that JSON keeps as it is.
    """
    if _WORD.fullmatch(text) and text not in WORDS:
        return f'"{text}"'
    value = value_of(text)
    try:
        encoded = msgspec.json.encode(value)
    except (OverflowError, TypeError):
        raise Unsupported from None
    if not isinstance(value, str) and repr(msgspec.json.decode(encoded)) != repr(value):
        raise Unsupported
    return encoded.decode()


_SHARED = Shapes()


def load_alike(text: str) -> Alike:
    """The value of a chunk, by the shapes that this process has met.

    Raises:
        Unsupported: it holds something outside the subset.
    """
    return _SHARED.read(text)
