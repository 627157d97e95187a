# SPDX-License-Identifier: Apache-2.0
"""Which JSON value does kubectl make of a YAML document, and where would others differ?

Follows decode.go of go.yaml.in/yaml/v2 v2.4.3 (merges apply in order and override what stands
before them, aliases count against a budget) and yaml.go of sigs.k8s.io/yaml v1.6.0 (keys become
strings, a null key, an infinity or a NaN is an error unless a later key has replaced it).
"""

from __future__ import annotations

import math
from typing import Any

from kguard.sources.yaml import limits
from kguard.sources.yaml.ambiguities import Recorder
from kguard.sources.yaml.documents import ReadError
from kguard.sources.yaml.keys import is_merge, scalar_value
from kguard.sources.yaml.nodes import Kind, Node
from kguard.sources.yaml.scalars import (
    Scalar,
    json_number,
    key_text,
)

_MERGE_ERROR = "map merge requires map or sequence of maps as the value"


class _BadKey(str):
    """A key that JSON cannot have: an error unless the mapping that holds it is replaced."""

    __slots__ = ()


class Constructor:
    """Turns the nodes of one document into its value and records ambiguities."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._decodes = 0
        self._alias_decodes = 0
        self._alias_depth = 0
        self._depth = 0
        self._open_aliases: set[int] = set()
        self._suspect = False

    def value(self, root: Node) -> Any:
        """The JSON value of the document.

        Raises:
            ReadError: kubectl refuses the document.
        """
        value = self._decode(root)
        if self._suspect:
            _refuse_unserialisable(value)
        return value

    def _count(self, node: Node) -> None:
        self._decodes += 1
        if self._alias_depth:
            self._alias_decodes += 1
            if (
                self._alias_decodes > limits.ALIAS_FREE_COUNT
                and self._decodes > limits.ALIAS_FREE_DECODES
                and self._alias_decodes / self._decodes > limits.allowed_alias_ratio(self._decodes)
            ):
                raise ReadError("document contains excessive aliasing", node.start)
            if self._depth > limits.MAX_DEPTH:
                raise ReadError(f"nested deeper than {limits.MAX_DEPTH} levels", node.start)

    def _decode(self, node: Node) -> Any:
        self._count(node)
        kind = node.kind
        if kind is Kind.SCALAR:
            return self._scalar(node)
        if kind is Kind.ALIAS:
            return self._alias(node, None)
        if node.tag is not None:
            self.recorder.tag(node)
        self._depth += 1
        value: Any
        if kind is Kind.MAPPING:
            value = {}
            self._fill(node, value)
        else:
            value = [self._decode(child) for child in node.children]
        self._depth -= 1
        return value

    def _scalar(self, node: Node) -> Any:
        if node.tag is not None:
            self.recorder.tag(node)
        elif not node.plain:
            self.recorder.quoted(node)
        value = self._resolve(node)
        if node.plain:
            self.recorder.plain(node, value)
        if isinstance(value, float):
            if not math.isfinite(value):
                self._suspect = True
                return value
            return json_number(value)
        return value

    def _resolve(self, node: Node) -> Scalar:
        return scalar_value(node)

    def _alias(self, node: Node, into: dict[str, Any] | None) -> Any:
        if id(node) in self._open_aliases:
            raise ReadError(f"anchor {node.value!r} value contains itself", node.start)
        self._open_aliases.add(id(node))
        self._alias_depth += 1
        target = node.children[0]
        value: Any = None
        if into is None:
            value = self._decode(target)
        else:
            self._into(target, into)
        self._alias_depth -= 1
        self._open_aliases.discard(id(node))
        return value

    def _into(self, node: Node, out: dict[str, Any]) -> None:
        self._count(node)
        if node.kind is Kind.ALIAS:
            self._alias(node, out)
        else:
            self._depth += 1
            self._fill(node, out)
            self._depth -= 1

    def _fill(self, node: Node, out: dict[str, Any]) -> None:
        members = self.recorder.members(node)
        pairs = iter(node.children)
        for key_node, value_node in zip(pairs, pairs, strict=True):
            if is_merge(key_node):
                self._merge(key_node, value_node, out, members)
                continue
            key = self._key(key_node)
            value = self._decode(value_node)
            members.add(key, key_node, known=key in out)
            out[key] = value
            if value is None:
                self.recorder.empty(key_node, value_node)

    def _key(self, node: Node) -> str:
        self._count(node)
        target = node
        while target.kind is Kind.ALIAS:
            target = target.children[0]
            self._count(target)
        if target.kind is not Kind.SCALAR:
            raise ReadError("a mapping or list cannot be a key", node.start)
        value = scalar_value(target)
        if isinstance(value, str):
            return value
        text = key_text(value)
        if text is None:
            self._suspect = True
            return _BadKey(f"{target.value} (key)")
        self.recorder.key(node, value)
        return text

    def _merge(self, key: Node, node: Node, out: dict[str, Any], members: Any) -> None:
        merged: dict[str, Any] = {}
        if node.kind is Kind.SEQUENCE:
            # Backwards, as earlier ones take precedence.
            for child in reversed(node.children):
                self._merge_one(child, merged)
        else:
            self._merge_one(node, merged)
        members.merge(key, node, merged, out)
        out.update(merged)

    def _merge_one(self, node: Node, out: dict[str, Any]) -> None:
        target = node.children[0] if node.kind is Kind.ALIAS else node
        if target.kind is not Kind.MAPPING:
            raise ReadError(_MERGE_ERROR, node.start)
        self._into(node, out)


def _refuse_unserialisable(root: Any) -> None:
    queue = [root]
    while queue:
        value = queue.pop()
        if isinstance(value, dict):
            for key in value:
                if type(key) is _BadKey:
                    raise ReadError(f"unsupported map key: {key}")
            queue.extend(value.values())
        elif isinstance(value, list):
            queue.extend(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ReadError(f"json: unsupported value: {value}")
