# SPDX-License-Identifier: Apache-2.0
"""Where does the value of a pointer stand, in a text that the fast path has read?

In plain block style the indentation tells where every collection begins and ends, so that a key is
searched for as text and accepted if nothing before it ends its mapping. Must agree with `locate` on
every such text; a differential test holds the two together. Flow collections are left to the exact
way.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

from kguard.model.locations import Span, pointer_tokens
from kguard.sources.yaml.documents import Location

_Place = tuple[int, int]
"""Where a collection or scalar starts: offset in the text, column from 0."""

_PLAIN = r"[A-Za-z0-9_./$][A-Za-z0-9_./$@-]*+"
_PLAIN_KEY = re.compile(_PLAIN)
_KEY = re.compile(rf"""(?m)(?:"[^"\n]*"|'[^'\n]*'|{_PLAIN}):(?= |$)""")
_DASH = re.compile(r"- +")
_SCALAR = re.compile(r""""[^"\n]*"|'(?:[^'\n]|'')*'|(?:[^\s#]|(?<=\S)#| +(?=[^\s#]))+""")
_FIRST = re.compile(r"(?m)^( *+)(?=[^ \n#])")
_BEHIND = re.compile(r" *+(?=[^ \n#])")
_NEXT = re.compile(r"\n( *+)(?=[^ \n#])")
_CACHED_COLUMNS = 256
_REMEMBERED = 64
"""Lists whose items are kept: evidence often has several places in one list."""
_LONG = 1 << 14
"""Characters of a text from which on its line breaks are not counted anew for each place."""


def locate_block(text: str, first_line: int, pointer: str) -> Location | None:
    """The place of a pointer's value; None where the exact way must be taken."""
    at = None if "\r" in text else _start(text)
    key = name_end = -1
    key_column = 0
    for token in pointer_tokens(pointer):
        if at is None:
            return None
        if text.startswith("- ", at[0]):
            key, at = -1, _item(text, at, token)
        elif (found := _key(text, at, token)) is not None:
            (key, name_end), key_column = found, at[1]
            at = _value(text, key, name_end + 1, key_column)
        else:
            return None
    if at is None or (end := _end(text, at)) is None:
        return None
    value = _span(text, first_line, at, end)
    if key < 0:
        return Location(pointer, None, value)
    return Location(pointer, _span(text, first_line, (key, key_column), name_end), value)


def _span(text: str, first_line: int, start: _Place, end: int) -> Span:
    line = first_line + _line(text, start[0])
    end_line = first_line + _line(text, end)
    return Span(line, start[1] + 1, end_line, end - text.rfind("\n", 0, end))


def _line(text: str, offset: int) -> int:
    """The number of line breaks before an offset."""
    return text.count("\n", 0, offset) if len(text) < _LONG else bisect_left(_breaks(text), offset)


@lru_cache(maxsize=4)
def _breaks(text: str) -> list[int]:
    return [match.start() for match in re.finditer("\n", text)]


def _start(text: str) -> _Place | None:
    """Where the document's value starts, behind its separator."""
    head = text.find("\n") if text.startswith("---") else 0
    first = _FIRST.search(text, head) if head >= 0 else None
    return (first.end(), len(first[1])) if first else None


def _item(text: str, at: _Place, token: str) -> _Place | None:
    if not token.isdecimal():
        return None
    items = _items(text, at)
    return items[int(token)] if int(token) < len(items) else None


@lru_cache(maxsize=_REMEMBERED)
def _items(text: str, at: _Place) -> list[_Place]:
    """The contents of the items of the list at a place."""
    found = []
    begin, column = at
    search = _up_to(column).search
    while dash := _DASH.match(text, begin):
        found.append((dash.end(), column + dash.end() - begin))
        following = search(text, begin)
        if following is None or following.end() - following.start() - 1 != column:
            break
        begin = following.end()
    return found


@lru_cache(maxsize=_CACHED_COLUMNS)
def _up_to(column: int) -> re.Pattern[str]:
    """The head of a line of content that begins at a column or further left."""
    return re.compile(rf"\n {{0,{column}}}+(?=[^ \n#])")


def _key(text: str, at: _Place, token: str) -> tuple[int, int] | None:
    """Begin and end of the member's key in the mapping at a place."""
    plain = (token,) if _PLAIN_KEY.fullmatch(token) else ()
    for name in (*plain, f'"{token}"', f"'{token}'"):
        begin, lead = at[0], 0
        if not text.startswith(f"{name}:", begin):
            lead = 1 + at[1]
            begin = text.find(f"\n{' ' * at[1]}{name}:", begin)
        end = begin + lead + len(name)
        if begin < 0 or text[end + 1 : end + 2] not in ("", " ", "\n"):
            continue
        if not (lead and at[1] and _up_to(at[1] - 1).search(text, at[0], begin)):
            return begin + lead, end
    return None


def _value(text: str, key: int, after: int, column: int) -> _Place | None:
    """Where the value starts of a key at `column` that ends before `after`."""
    if behind := _BEHIND.match(text, after):
        return behind.end(), column + behind.end() - key
    below = _NEXT.search(text, after)
    if below is None:
        return None
    place = below.end(), len(below[1])
    deeper = place[1] > column or (place[1] == column and text.startswith("- ", place[0]))
    return place if deeper else None


def _end(text: str, at: _Place) -> int | None:
    """The offset where a value ends; None for flow collections and block scalars."""
    begin = at[0]
    if not is_collection(text, begin):
        return scalar_end(text, begin)
    dashed = text.startswith("- ", begin)
    after = _after_list(text, at) if dashed else _after_mapping(text, at)
    return begin + len(text[begin:after].rstrip())


def is_collection(text: str, begin: int) -> bool:
    """Whether a mapping or list in block style begins at an offset, where a value does."""
    return text.startswith("- ", begin) or _KEY.match(text, begin) is not None


def scalar_end(text: str, begin: int) -> int | None:
    """The offset where a scalar on one line ends; None for flow collections and block scalars."""
    match = _SCALAR.match(text, begin) if text[begin] not in "[{|>" else None
    return match.end() if match else None


def _after_mapping(text: str, at: _Place) -> int:
    """Where the first line of content starts that is no longer part of the mapping."""
    following = _up_to(at[1] - 1).search(text, at[0]) if at[1] else None
    return following.start() if following else len(text)


def _after_list(text: str, at: _Place) -> int:
    """Where the first line of content starts that is no longer part of the list."""
    search = _up_to(at[1]).search
    following = search(text, at[0])
    while following is not None:
        outside = following.end() - following.start() - 1 < at[1]
        if outside or not text.startswith("- ", following.end()):
            return following.start()
        following = search(text, following.end())
    return len(text)
