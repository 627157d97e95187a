# SPDX-License-Identifier: Apache-2.0
"""What does the YAML reader hand over?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.model.locations import Span

Trap = Literal[
    "anchor-redefined",
    "big-number",
    "binary-number",
    "bool-word",
    "byte-order-mark",
    "colliding-keys",
    "duplicate-key",
    "equals-sign",
    "explicit-tag",
    "exponent-number",
    "flow-key-without-space",
    "folded-scalar",
    "invalid-utf8",
    "json-stream",
    "line-break-character",
    "merge-after-key",
    "merge-twice",
    "no-final-newline",
    "non-string-key",
    "octal-number",
    "padded-number",
    "sexagesimal-number",
    "text-after-end",
    "timestamp",
    "underscore-number",
]
"""The ways in which kubectl, kustomize and ordinary YAML parsers read one text differently."""

Profile = Literal["kubectl", "kustomize"]


class Ambiguity(msgspec.Struct, frozen=True):
    """A place that another reader of YAML understands differently."""

    trap: Trap
    pointer: str
    """JSON pointer (RFC 6901) of the value, or of the mapping's member."""
    span: Span
    other: Span | None
    """The place that contradicts, such as the first of two equal keys."""
    detail: str
    """What kubectl reads and what others read, in words."""


class Document(msgspec.Struct, frozen=True):
    """One document of a file, as the deployer decodes it."""

    index: int
    """Position of the chunk in its file, from 0, empty chunks counted."""
    line: int
    """1-based line of the file on which `text` starts."""
    text: str
    value: Any
    """JSON-like: dict with string keys, list, str, int, float, bool."""
    ambiguities: tuple[Ambiguity, ...] = ()
    block: bool = False
    """Whether the fast path has read it: plain block style without anchors and surprises."""
    shape: int = 0
    """The same number for texts that differ in nothing but their values; 0: not known."""


class Broken(msgspec.Struct, frozen=True):
    """A document that the deployer refuses; line and column are 1-based places in the file."""

    index: int
    line: int
    column: int
    message: str
    hint: str


class Location(msgspec.Struct, frozen=True):
    """Where a value stands in the file, and its key if it is a mapping's member."""

    pointer: str
    """The pointer that was found: the asked one, or its nearest existing ancestor."""
    key: Span | None
    value: Span


class ReadError(Exception):
    """One document cannot be read; `index` is the offending character in its text."""

    def __init__(self, message: str, index: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.index = index
        self.hint = hint
