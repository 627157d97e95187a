# SPDX-License-Identifier: Apache-2.0
"""How is a new value written into an existing document, in that document's own style?

Strings are plain only where every reader of YAML takes them for the same text.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from kguard.sources.yaml.ambiguities import plain_trap
from kguard.sources.yaml.nodes import Kind, Node
from kguard.sources.yaml.scalars import resolve

_SAFE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+-]*+(?::[A-Za-z0-9_./@+-]++)*+")
_SAFE_BLOCK = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=,;()*$%<>' -]*+(?<! )")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LITERAL_LINE = re.compile(r"[\x20-\x7e\xa0-\u2027\u202a-\ud7ff]*")


class Style(NamedTuple):
    """The habits of a document: indentation of mappings and of lists, and its line break."""

    step: int
    list_offset: int
    newline: str
    block_scalars: bool = True


def style_of(text: str, root: Node, *, block_scalars: bool) -> Style:
    """The style of the first nested mapping and list, else as kubectl prints."""
    steps: list[int] = []
    offsets: list[int] = []
    queue = [root]
    while queue and not (steps and offsets):
        node = queue.pop(0)
        if node.flow or node.kind not in {Kind.MAPPING, Kind.SEQUENCE}:
            continue
        own = column_of(text, node.start)
        children = node.children[1::2] if node.kind is Kind.MAPPING else node.children
        for child in children:
            if node.kind is Kind.MAPPING and not child.flow:
                distance = column_of(text, child.start) - own
                if child.kind is Kind.MAPPING and distance > 0:
                    steps.append(distance)
                elif child.kind is Kind.SEQUENCE and distance >= 0:
                    offsets.append(distance)
            queue.append(child)
    newline = "\r\n" if "\r\n" in text else "\n"
    return Style((steps or [2])[0], (offsets or [0])[0], newline, block_scalars)


def column_of(text: str, index: int) -> int:
    """Characters between the start of the line and `index`."""
    return index - (text.rfind("\n", 0, index) + 1)


def scalar(value: Any, *, like: str | None = None, block: bool = True) -> str:
    """A scalar on one line; `like` is the style of the one that it replaces, if that had quotes.

    `block` tells that it stands outside brackets, where more characters need no quotes.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return json.dumps(value)
    if like == "'" and value.isprintable() and value.isascii():
        return "'" + value.replace("'", "''") + "'"
    safe = _SAFE.fullmatch(value) or (block and _SAFE_BLOCK.fullmatch(value))
    if like != '"' and safe and resolve(value) == value and plain_trap(value, value) is None:
        return value
    return quoted(value)


def quoted(text: str) -> str:
    """A string in double quotes that YAML 1.1, YAML 1.2 and, as far as possible, JSON read."""
    return '"' + "".join(_ESCAPES.get(c) or (c if _plain(c) else _escaped(c)) for c in text) + '"'


def _plain(character: str) -> bool:
    return character.isprintable() and character != "\ufeff"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def flow(value: Any, *, as_json: bool) -> str:
    """A value on one line inside brackets."""
    if as_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        members = (f"{scalar(k, block=False)}: {flow(v, as_json=False)}" for k, v in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, as_json=False) for item in value) + "]"
    return scalar(value, block=False)


def after_key(value: Any, column: int, style: Style) -> str:
    """What stands behind the colon of a key at `column`, with the blank or line break before."""
    if isinstance(value, dict) and value:
        return style.newline + _mapping(value, column + style.step, style)
    if isinstance(value, list) and value:
        return style.newline + _sequence(value, column + style.list_offset, style)
    return " " + _inline(value, column, style)


def after_dash(value: Any, column: int, style: Style) -> str:
    """What stands behind a dash at `column` and the blank after it."""
    if isinstance(value, dict) and value:
        return _mapping(value, column + 2, style).lstrip(" ")
    if isinstance(value, list) and value:
        return _sequence(value, column + 2, style).lstrip(" ")
    return _inline(value, column, style)


def member(key: str, value: Any, column: int, style: Style) -> str:
    """A member of a block mapping, without the indentation of its first line."""
    return f"{scalar(key)}:{after_key(value, column, style)}"


def _mapping(value: dict[str, Any], column: int, style: Style) -> str:
    lines = (" " * column + member(k, v, column, style) for k, v in value.items())
    return style.newline.join(lines)


def _sequence(value: list[Any], column: int, style: Style) -> str:
    lines = (" " * column + "- " + after_dash(item, column, style) for item in value)
    return style.newline.join(lines)


def _inline(value: Any, column: int, style: Style) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    if isinstance(value, str) and "\n" in value and (text := _literal(value, column, style)):
        return text
    return scalar(value)


def _literal(text: str, column: int, style: Style) -> str | None:
    """A block scalar, None if the text does not suit one."""
    if not style.block_scalars:
        return None
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if not body or text.endswith("\n\n") or not lines[0] or lines[0][0] == " ":
        return None
    if not all(_LITERAL_LINE.fullmatch(line) for line in lines):
        return None
    margin = " " * (column + 2)
    header = "|" if text.endswith("\n") else "|-"
    return style.newline.join([header, *(margin + line if line else "" for line in lines)])
