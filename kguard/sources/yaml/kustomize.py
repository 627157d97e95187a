# SPDX-License-Identifier: Apache-2.0
"""Which documents and values does kustomize make of a file?

Follows kyaml v0.21.1 (kio/byteio_reader.go, splitDocuments) and go.yaml.in/yaml/v3 v3.0.4
(resolve.go, decode.go): only `true` and `false` are booleans, a repeated key and a key that is
not text are errors, a merge never overrides the mapping's own keys, dates become points in time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kguard.sources.yaml import stream
from kguard.sources.yaml.construct import Constructor
from kguard.sources.yaml.documents import ReadError
from kguard.sources.yaml.keys import is_merge, scalar_value
from kguard.sources.yaml.nodes import Kind, Node
from kguard.sources.yaml.scalars import TYPE_PREFIX, Scalar, is_timestamp, resolve

_SEPARATOR = re.compile(r"\n---([^\n]*)\n")
_BOOLEANS = frozenset(["true", "True", "TRUE", "false", "False", "FALSE"])
_BOOLEAN_TAG = TYPE_PREFIX + "bool"
_TIMESTAMP_TAG = TYPE_PREFIX + "timestamp"
_MORE_INDENTED = re.compile(r"^([^ \t\n][^\n]*\n)(?=[ \t])", re.MULTILINE)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?(.*))?"
)


def chunks(text: str) -> Iterator[stream.Chunk]:
    """The documents of a text; the line break before a separator belongs to the separator."""
    start = 0
    for match in _SEPARATOR.finditer(text):
        remainder = match[1].strip(stream.SPACES)
        error = None
        if remainder and not remainder.startswith("#"):
            message = f"invalid document separator: ---{match[1].rstrip()}"
            error = ReadError(message, match.start() + 1 - start)
        yield stream.Chunk(start, text[start : match.start()], error)
        start = match.end()
    if start < len(text):
        yield stream.Chunk(start, text[start:])


class KustomizeConstructor(Constructor):
    """Turns nodes into values as go-yaml v3 does."""

    def _resolve(self, node: Node) -> Scalar:
        text = node.value
        if node.tag == _BOOLEAN_TAG and text not in _BOOLEANS:
            raise ReadError(f"cannot decode `{text[:40]}` as a !!bool", node.start)
        plain = node.plain and node.tag in {None, "!"}
        value = resolve(text) if plain else scalar_value(node)
        if node.tag == _TIMESTAMP_TAG:
            return _point_in_time(text)
        if not plain:
            return _reprinted(text) if node.style == ">" else value
        if isinstance(value, bool) and text not in _BOOLEANS:
            return text
        if isinstance(value, str) and text[:1].isdigit() and is_timestamp(text):
            return _point_in_time(text)
        return "" if node.flow and not text else value

    def _fill(self, node: Node, out: dict[str, Any]) -> None:
        merges: list[tuple[Node, Node]] = []
        own: dict[str, Any] = {}
        pairs = iter(node.children)
        for key_node, value_node in zip(pairs, pairs, strict=True):
            if is_merge(key_node):
                merges.append((key_node, value_node))
                continue
            key = self._key(key_node)
            if key in own:
                raise ReadError(f"mapping key {key!r} already defined", key_node.start)
            own[key] = self._decode(value_node)
        if len(merges) > 1:
            raise ReadError("duplicate merge key", merges[1][0].start)
        for key_node, value_node in merges:
            self._merge(key_node, value_node, out, self.recorder.members(node))
        out.update(own)

    def _key(self, node: Node) -> str:
        self._count(node)
        target = node.children[0] if node.kind is Kind.ALIAS else node
        if target.kind is not Kind.SCALAR:
            raise ReadError("a mapping or list cannot be a key", node.start)
        value = scalar_value(target)
        if not target.value or (value is not None and self._depth == 1):
            return target.value
        if isinstance(value, bool) and target.value not in _BOOLEANS:
            return target.value
        if not isinstance(value, str) or (target.plain and is_timestamp(value)):
            raise ReadError(f"the key {target.value!r} is not text", node.start)
        return value


def _reprinted(text: str) -> str:
    """A folded scalar after kyaml has printed and read it again."""
    return _MORE_INDENTED.sub("\\1\n", text)


def _point_in_time(text: str) -> str:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return text
    year, month, day, *clock = match.groups()
    hour, minute, second, fraction, zone = clock
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    time = f"{int(hour or 0):02d}:{int(minute or 0):02d}:{int(second or 0):02d}"
    digits = (fraction or "").rstrip("0")
    return f"{date}T{time}{'.' + digits if digits else ''}{zone or 'Z'}"
