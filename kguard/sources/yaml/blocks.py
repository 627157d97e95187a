# SPDX-License-Identifier: Apache-2.0
"""How is a value written into the middle of a text, in block style or on one line?"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from kguard.sources.yaml.emit import emit, is_plain


class Style(msgspec.Struct, frozen=True):
    """How the surrounding text is written."""

    json: bool
    newline: str


def block(value: dict[str, Any] | list[Any], column: int, style: Style) -> str:
    """A collection in block style; lines after the first are indented to `column`."""
    lines = emit(value).rstrip("\n").split("\n")
    indented = [line if not line else " " * column + line for line in lines[1:]]
    return style.newline.join([lines[0], *indented])


def inline(value: Any, style: Style) -> str:
    """A value on one line: plain where every reader agrees, else as JSON."""
    if style.json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        pairs = (f"{inline(k, style)}: {inline(v, style)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(entry, style) for entry in value) + "]"
    if isinstance(value, str) and is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def literal(value: str, column: int, style: Style) -> str | None:
    """A text of lines as a literal block under a key at `column`; None where it cannot be one."""
    if style.json or value.endswith("\n\n"):
        return None
    written = block({"key": value}, column, style).removeprefix("key: ")
    return written if written.startswith("|") else None
