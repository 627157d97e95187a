# SPDX-License-Identifier: Apache-2.0
"""Can the plain block style of ordinary manifests be read without a YAML parser?

Reads the subset that real manifests are mostly made of: block mappings and lists, plain and
simply quoted scalars, block scalars, one-line flow collections, comments. Whatever else occurs,
or is ambiguous, is left to the exact way; a differential test holds the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from kguard.sources.yaml import limits
from kguard.sources.yaml.ambiguities import plain_trap
from kguard.sources.yaml.fast_flow import parse_flow
from kguard.sources.yaml.scalars import json_number, resolve

_CACHED_LINES = 1 << 16
_LONGEST_CACHED = 160
_LONGEST_KEY = 500
"""Well below the 1,024 characters that a simple key may have."""

# Control characters, line breaks other than the line feed, byte order marks and U+FFFD. The large
# class takes milliseconds to compile: `re` does it when the first text needs it.
_UNUSUAL_ASCII = re.compile("[^\t\n\x20-\x7e]")
_UNUSUAL = "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffc\U00010000-\U0010ffff]"

_LINE = re.compile(
    r"""(?P<indent>\ *+)
        (?P<dashes>(?:-\ ++)*+)
        (?:(?P<key>[A-Za-z0-9_./$][A-Za-z0-9_./$@-]*+|"[^"\\]*+"|'[^']*+'):(?:\ ++|$))?
        (?:(?P<plain>(?:[A-Za-z0-9_./$(+<^~=;\\]|[^\x00-\x7f\s]|-(?=[^\s]))
                (?:[^\s:\#]++|:(?=\S)|\#|\ ++(?=[^\s\#]))*+)
          |"(?P<double>[^"\\]*+)"
          |'(?P<single>(?:[^']|'')*+)'
          |(?P<block>[|>][-+]?)
          |(?P<flow>[\[{].*)
        )?
        (?:\ *+(?<=\ )\#.*)?\ *$""",
    re.VERBOSE,
)


_SEPARATOR = re.compile(r"---(?: +(?:#.*)?)?")


class Unsupported(Exception):  # noqa: N818  (not an error: the exact way takes over)
    """The text holds something outside the subset."""


class _Line(NamedTuple):
    """One line taken apart; `kind` is blank, value, empty, block or flow."""

    kind: str
    column: int = 0
    dashes: tuple[int, ...] = ()
    """Columns of the contents behind the dashes."""
    key: str | None = None
    value: Any = None


_BLANK = _Line("blank")


def load_block(text: str) -> Any:
    """The value of a chunk that lies in the subset and holds nothing ambiguous.

    Raises:
        Unsupported: it does not.
    """
    return read_lines(plain_text(text))


def plain_text(text: str) -> str:
    """A chunk with line feeds only.

    Raises:
        Unsupported: it has characters that YAML treats in a way of their own.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    if _UNUSUAL_ASCII.search(text) if text.isascii() else re.search(_UNUSUAL, text):
        raise Unsupported
    return text


def read_lines(text: str) -> Any:
    """The value of a plain text, read line by line.

    Raises:
        Unsupported: it holds something outside the subset.
    """
    return _Block(text).read()


def value_of(text: str) -> Any:
    """The scalar or flow collection that stands behind a key on its line.

    Raises:
        Unsupported: there is neither.
    """
    line = _split_line(f"k: {text}")
    if line.kind == "flow":
        return _flow(line.value)
    if line.kind != "value":
        raise Unsupported
    return line.value


def _split_line(line: str) -> _Line:
    stripped = line.lstrip(" ")
    if not stripped or stripped[0] == "#":
        return _BLANK
    match = _LINE.match(line)
    if match is None:
        raise Unsupported
    indent, dashes, key, plain, double, single, block, flow = match.groups()
    columns = _contents(len(indent), dashes)
    name = None if key is None else _key(key)
    if name is None and not columns:
        raise Unsupported
    if plain is not None:
        return _Line("value", len(indent), columns, name, _scalar(plain))
    if double is not None:
        return _Line("value", len(indent), columns, name, double)
    if single is not None:
        return _Line("value", len(indent), columns, name, single.replace("''", "'"))
    if block is not None:
        return _Line("block", len(indent), columns, name, block)
    if flow is not None:
        return _Line("flow", len(indent), columns, name, flow)
    if name is None:
        raise Unsupported
    return _Line("empty", len(indent), columns, name)


_cached_line = lru_cache(maxsize=_CACHED_LINES)(_split_line)


def _contents(indent: int, dashes: str) -> tuple[int, ...]:
    if not dashes:
        return ()
    return tuple(indent + match.end() for match in re.finditer(r"-\ +", dashes))


def _key(text: str) -> str:
    if len(text) > _LONGEST_KEY:
        raise Unsupported
    if text[0] in "\"'":
        return text[1:-1]
    if not isinstance(_scalar(text), str):
        raise Unsupported
    return text


def _scalar(text: str) -> Any:
    value = resolve(text)
    if isinstance(value, str) and text[0] not in "0123456789+-=":
        return value
    if plain_trap(text, value) is not None:
        raise Unsupported
    if isinstance(value, float):
        if value - value != 0:
            raise Unsupported
        return json_number(value)
    return value


def _flow(text: str) -> Any:
    value = parse_flow(text, _scalar, _key)
    if value is None:
        raise Unsupported
    return value


class _Block:
    """Reads one chunk line by line.

    `columns` and `containers` are the open collections from the outermost inwards; `slot` is the
    key whose value may follow on the next lines.
    """

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.complete = self.lines[-1] == ""
        if self.complete:
            self.lines.pop()
        self.at = 0
        self.columns: list[int] = []
        self.containers: list[Any] = []
        self.slot: str | None = None

    def read(self) -> Any:
        lines, total = self.lines, len(self.lines)
        columns, containers = self.columns, self.containers
        container: Any
        at = 1 if _SEPARATOR.fullmatch(lines[0] if lines else "") else 0
        while at < total:
            text = lines[at]
            at += 1
            kind, column, dashes, key, value = (
                _cached_line(text) if len(text) < _LONGEST_CACHED else _split_line(text)
            )
            if kind == "blank":
                continue
            if not dashes and columns and columns[-1] == column and type(containers[-1]) is dict:
                container = containers[-1]
                self.slot = None
            else:
                container = self._container(column, dashed=bool(dashes))
                if dashes:
                    container = self._items(container, dashes, keyed=key is not None)
            if kind == "block":
                self.at = at
                value = self._block_scalar(value)
                at = self.at
            elif kind == "flow":
                value = _flow(value)
            if key is None:
                container.append(value)
            elif key in container:
                raise Unsupported
            else:
                container[key] = value
                if kind == "empty":
                    self.slot = key
        return containers[0] if containers else None

    def _items(self, container: Any, dashes: tuple[int, ...], *, keyed: bool) -> Any:
        """Open what a line's dashes open; gives the collection that its content goes to."""
        for content in dashes[:-1]:
            container.append([])
            container = self._push(content, container[-1])
        if keyed:
            container.append({})
            container = self._push(dashes[-1], container[-1])
        return container

    def _container(self, column: int, *, dashed: bool) -> Any:
        """The open or newly opened collection that a line at `column` belongs to."""
        columns, containers = self.columns, self.containers
        slot, self.slot = self.slot, None
        if not columns:
            return self._push(column, [] if dashed else {})
        top = columns[-1]
        if slot is not None and (column > top or (dashed and column == top)):
            parent = containers[-1]
            child: Any = [] if dashed else {}
            parent[slot] = child
            return self._push(column, child)
        while columns and columns[-1] > column:
            columns.pop()
            containers.pop()
        if not dashed and columns and type(containers[-1]) is list:
            columns.pop()
            containers.pop()
        if not columns or columns[-1] != column or (type(containers[-1]) is list) != dashed:
            raise Unsupported
        return containers[-1]

    def _push(self, column: int, container: Any) -> Any:
        if len(self.columns) >= limits.MAX_DEPTH:
            raise Unsupported
        self.columns.append(column)
        self.containers.append(container)
        return container

    def _block_scalar(self, header: str) -> str:
        content = self._block_lines()
        end = len(content)
        while end and not content[end - 1]:
            end -= 1
        text = _folded(content[:end]) if header[0] == ">" else "\n".join(content[:end])
        if header[1:] == "-":
            return text
        return text + "\n" * (1 + len(content) - end if header[1:] == "+" else 1)

    def _block_lines(self) -> list[str]:
        """The lines of a block scalar without their indentation; trailing empty ones included."""
        lines, total, start = self.lines, len(self.lines), self.at
        first = start
        while first < total and not lines[first].strip(" "):
            first += 1
        if first == total:
            raise Unsupported
        indent = len(lines[first]) - len(lines[first].lstrip(" "))
        if indent <= self.columns[-1] or any(len(line) > indent for line in lines[start:first]):
            raise Unsupported
        if lines[first][indent] == "\t":
            raise Unsupported
        prefix = " " * indent
        content: list[str] = []
        at = start
        while at < total:
            line = lines[at]
            if line.startswith(prefix):
                content.append(line[indent:])
            elif line.strip(" "):
                break
            else:
                content.append("")
            at += 1
        if at == total and not self.complete:
            raise Unsupported
        self.at = at
        return content


def _folded(content: list[str]) -> str:
    parts: list[str] = []
    breaks = -1
    for line in content:
        if not line:
            breaks += 1
            continue
        if line[0] in " \t":
            raise Unsupported
        if parts or breaks >= 0:
            parts.append(_fold(breaks, first=not parts))
        parts.append(line)
        breaks = 0
    return "".join(parts)


def _fold(breaks: int, *, first: bool) -> str:
    """What stands for the breaks before a folded line."""
    if first:
        return "\n" * (breaks + 1)
    return "\n" * breaks or " "
