# SPDX-License-Identifier: Apache-2.0
"""What stands in a YAML text when no type is guessed?

Programs built on yaml-cpp (Falco) keep every scalar as the text that was written and decode it when
they ask for it: `yes` is a string until someone wants a boolean. Scalars keep whether they were
plain, because only a plain scalar can be null.
Authority: yaml-cpp 0.7 src/nodebuilder.cpp, include/yaml-cpp/node/convert.h and src/convert.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import CLoader

MAX_DEPTH = 200
"""Collections inside one another."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = re.compile(r"y|yes|true|on", re.IGNORECASE)
_FALSE = re.compile(r"n|no|false|off", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")


class UntypedError(Exception):
    """The text is no YAML; line and column count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(slots=True)
class Scalar:
    """One scalar as written; line and column count from 1, the offset from 0 in characters."""

    text: str
    plain: bool
    line: int = 1
    column: int = 1
    offset: int = 0

    @property
    def is_null(self) -> bool:
        """Whether it is YAML's null."""
        return self.plain and self.text in _NULLS

    def boolean(self) -> bool | None:
        """The boolean that it spells, in one of the cases that yaml-cpp takes; None if none."""
        text = self.text
        if text not in (text.lower(), text.upper(), text.capitalize()):
            return None
        if _TRUE.fullmatch(text):
            return True
        return False if _FALSE.fullmatch(text) else None

    def integer(self) -> int | None:
        """The integer that it spells, or None."""
        return int(self.text, 0) if _INTEGER.fullmatch(self.text) and _decimal(self.text) else None


def _decimal(text: str) -> bool:
    digits = text.lstrip("+-")
    return digits == "0" or not digits.startswith("0") or digits[:2] in ("0x", "0X")


@dataclass(slots=True)
class Sequence:
    """A sequence of nodes."""

    items: list[Node] = field(default_factory=list)
    line: int = 1
    column: int = 1
    offset: int = 0


@dataclass(slots=True)
class Mapping:
    """A mapping; of two entries with the same key, the first counts, as in yaml-cpp."""

    entries: list[tuple[Node, Node]] = field(default_factory=list)
    line: int = 1
    column: int = 1
    offset: int = 0

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        for name, value in self.entries:
            if isinstance(name, Scalar) and name.text == key:
                return value
        return None

    def keys(self) -> Iterator[str]:
        """The keys that are scalars, as written."""
        return (name.text for name, _ in self.entries if isinstance(name, Scalar))


Node = Scalar | Sequence | Mapping


def load(text: str) -> list[Node]:
    """Every document of a text that is not empty.

    Raises:
        UntypedError: the text is no YAML, or nested deeper than `MAX_DEPTH`.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=CLoader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise _located(error) from error
    return builder.documents


def _located(error: yaml.YAMLError) -> UntypedError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if mark is None:
        return UntypedError(problem)
    return UntypedError(problem, mark.line + 1, mark.column + 1)


class _Builder:
    """Builds documents from events without recursion."""

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.open: list[Sequence | Mapping] = []
        self.keys: list[Node | None] = []
        self.anchors: dict[str, Node] = {}

    def take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self.add(Scalar(event.value, event.implicit[0], *_place(event)), event)
            case yaml.SequenceStartEvent():
                self.start(Sequence([], *_place(event)), event)
            case yaml.MappingStartEvent():
                self.start(Mapping([], *_place(event)), event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.open.pop()
                self.keys.pop()
            case yaml.AliasEvent():
                self.alias(event)
            case yaml.DocumentStartEvent():
                self.anchors.clear()

    def start(self, node: Sequence | Mapping, event: Any) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise UntypedError("nested too deeply", node.line, node.column)
        self.add(node, event)
        self.open.append(node)
        self.keys.append(None)

    def alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        line, column, _ = _place(event)
        if node is None or any(node is parent for parent in self.open):
            raise UntypedError(f"the alias {event.anchor!r} refers to nothing", line, column)
        self.attach(node)

    def add(self, node: Node, event: Any) -> None:
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.attach(node)

    def attach(self, node: Node) -> None:
        if not self.open:
            self.documents.append(node)
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self.keys[-1] = node
        else:
            parent.entries.append((key, node))
            self.keys[-1] = None


def _place(event: Any) -> tuple[int, int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1, mark.index
