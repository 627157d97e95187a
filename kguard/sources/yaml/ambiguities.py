# SPDX-License-Identifier: Apache-2.0
"""Which places of a document do kubectl, kustomize and ordinary YAML parsers read differently?

Recorded while the value is built, with nodes; places are worked out only if there are any.
Readings compared: kubectl 1.36 (go-yaml v2), kustomize 5.8 (go-yaml v3), PyYAML (YAML 1.1) and
YAML 1.2's core schema.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from kguard.model.locations import escape_pointer
from kguard.sources.yaml import limits
from kguard.sources.yaml.documents import Ambiguity, Trap
from kguard.sources.yaml.keys import is_merge, member_key, scalar_value
from kguard.sources.yaml.nodes import Kind, Node, Tree
from kguard.sources.yaml.positions import Lines
from kguard.sources.yaml.scalars import (
    INT64_MAX,
    INT64_MIN,
    NULL_WORDS,
    TYPE_PREFIX,
    Scalar,
)

_PLAIN_BOOLEANS = frozenset(["true", "True", "TRUE", "false", "False", "FALSE"])
_CORE_TAGS = frozenset(
    TYPE_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge")
)
# What may be something else than text for some reader begins with one of these.
_SUSPICIOUS = frozenset("+-0123456789yYnNoO.=")
_SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt \t])")
_MORE_INDENTED = re.compile(r"\n[ \t]")
_IGNORABLE = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_BLOCK_STYLES = frozenset("|>")


def number_trap(text: str) -> Trap | None:
    """The trap in the text of a number, if readers disagree about its value."""
    digits = text.lstrip("+-")
    trap: Trap | None = None
    if "_" in digits:
        trap = "underscore-number"
    elif digits[:2] in {"0b", "0B"}:
        trap = "binary-number"
    elif digits[:2] in {"0x", "0X"}:
        trap = None
    elif digits[:2] in {"0o", "0O"} or (digits[:1] == "0" and digits.isdigit() and digits != "0"):
        trap = "padded-number" if set(digits) & {"8", "9"} else "octal-number"
    elif "e" in digits or "E" in digits:
        trap = "exponent-number"
    elif digits[:1] == "0" and digits[1:2].isdigit():
        trap = "padded-number"
    return trap


def plain_trap(text: str, value: Scalar) -> Trap | None:
    """The trap in a plain scalar without a tag; `value` is kubectl's reading."""
    if value is None or text[:1] not in _SUSPICIOUS:
        return None
    if isinstance(value, bool):
        return None if text in _PLAIN_BOOLEANS else "bool-word"
    if isinstance(value, str):
        return _text_trap(value)
    if isinstance(value, int) or value.is_integer():
        trap = number_trap(text)
        return trap or (None if INT64_MIN <= value <= INT64_MAX else "big-number")
    return number_trap(text)


def _text_trap(text: str) -> Trap | None:
    if text == "=":
        return "equals-sign"
    if _SEXAGESIMAL.fullmatch(text):
        return "sexagesimal-number"
    if _TIMESTAMP.match(text):
        return "timestamp"
    return None


class _Origin(NamedTuple):
    """Where a key stands, and whether a merge has brought it."""

    node: Node
    merged: bool


def keys_before(mapping: Node, end: Node) -> dict[str, _Origin]:
    """The keys that a mapping has before the key node `end`, merged ones included."""
    found: dict[str, _Origin] = {}
    pairs = iter(mapping.children)
    for key, value in zip(pairs, pairs, strict=True):
        if key is end:
            break
        if is_merge(key):
            found.update(_merged_origins(value))
        else:
            found[member_key(key)] = _Origin(key, merged=False)
    return found


def _merged_origins(node: Node) -> dict[str, _Origin]:
    """The keys that the value of a merge key brings, those of merges inside it left out."""
    targets = node.children if node.kind is Kind.SEQUENCE else [node]
    mappings = [t.children[0] if t.kind is Kind.ALIAS else t for t in targets]
    keys = [key for mapping in mappings for key in mapping.children[::2] if not is_merge(key)]
    return {member_key(key): _Origin(key, merged=True) for key in keys}


class Members:
    """Keeps track of the keys of one mapping, as far as they repeat."""

    __slots__ = ("_merge_key", "_node", "_origins", "_recorder")

    def __init__(self, recorder: Recorder, node: Node) -> None:
        self._recorder = recorder
        self._node = node
        self._origins: dict[str, _Origin] | None = None
        self._merge_key: Node | None = None

    def add(self, key: str, node: Node, *, known: bool) -> None:
        """A member follows; `known` tells that its key has a value already."""
        if self._origins is not None:
            first = self._origins.get(key)
        elif known:
            self._origins = keys_before(self._node, node)
            first = self._origins.get(key)
        else:
            return
        self._origins[key] = _Origin(node, merged=False)
        if first is not None:
            self._recorder.repeated(key, first, node)

    def merge(self, key: Node, value: Node, merged: dict[str, Any], out: dict[str, Any]) -> None:
        """A merge key with its value follows, which brings `merged` into `out`."""
        if self._merge_key is not None:
            self._recorder.note("merge-twice", key, self._merge_key, "kustomize refuses two `<<`")
        self._merge_key = self._merge_key or key
        repeated = merged.keys() & out.keys()
        if repeated and self._origins is None:
            self._origins = keys_before(self._node, key)
        if self._origins is None:
            return
        for name in sorted(name for name in repeated if merged[name] != out[name]):
            first = self._origins.get(name)
            if first is not None and not first.merged:
                detail = f"kubectl lets the merge override {name!r}, kustomize does not"
                self._recorder.note("merge-after-key", first.node, key, detail)
        self._origins.update(_merged_origins(value))


class Recorder:
    """Collects what is ambiguous in one document."""

    def __init__(self) -> None:
        self._notes: list[tuple[Trap, Node, Node | None, str]] = []

    def note(self, trap: Trap, node: Node, other: Node | None, detail: str) -> None:
        """Record a trap at a node, unless there are too many already."""
        if len(self._notes) < limits.MAX_AMBIGUITIES:
            self._notes.append((trap, node, other, detail))

    def plain(self, node: Node, value: Scalar) -> None:
        """A plain scalar was read as `value`."""
        if (trap := plain_trap(node.value, value)) is not None:
            self.note(trap, node, None, _reading(node.value, value))

    def quoted(self, node: Node) -> None:
        """A quoted or block scalar was read."""
        if node.style == ">" and _MORE_INDENTED.search(node.value):
            detail = "kustomize adds line breaks before the more indented lines"
            self.note("folded-scalar", node, None, detail)

    def tag(self, node: Node) -> None:
        """A node with a tag was read."""
        if node.tag not in _CORE_TAGS:
            self.note("explicit-tag", node, None, f"kubectl ignores or decodes the tag {node.tag}")

    def key(self, node: Node, value: Scalar) -> None:
        """A key that is not text was read."""
        if isinstance(value, bool):
            trap: Trap = "non-string-key" if node.value in _PLAIN_BOOLEANS else "bool-word"
        else:
            trap = plain_trap(node.value, value) or "non-string-key"
        self.note(trap, node, None, f"{_reading(node.value, value)}, kustomize refuses the key")

    def empty(self, key: Node, value: Node) -> None:
        """A member's value is null."""
        if key.flow and ":" in key.value and not key.style and value.start == value.end:
            detail = f"the key is {key.value!r} and its value is null: a blank is missing"
            self.note("flow-key-without-space", key, None, detail)

    def members(self, node: Node) -> Members:
        """Start reading the members of a mapping."""
        return Members(self, node)

    def repeated(self, key: str, first: _Origin, second: Node) -> None:
        """A key occurs again, alike or as another type; over a merged one it may."""
        if _type_name(first.node) != _type_name(second):
            detail = f"both become {key!r}: which one kubectl takes changes from run to run"
            self.note("colliding-keys", second, first.node, detail)
        elif not first.merged:
            detail = f"kubectl takes the last {key!r}, others refuse or take the first"
            self.note("duplicate-key", second, first.node, detail)

    def text_after(self, tree: Tree, text: str) -> None:
        """Look at what follows the first document of a chunk."""
        rest = text[tree.end :]
        if tree.root is not None and rest and not _IGNORABLE.fullmatch(rest):
            detail = "kubectl ignores all text after the end of the document, others read it"
            self.note("text-after-end", tree.root, None, detail)
        if not text.endswith("\n") and tree.last is not None and _ends_in_block(tree.last):
            detail = "kubectl adds a line break at the end, kustomize and others do not"
            self.note("no-final-newline", tree.last, None, detail)

    def finish(self, tree: Tree, text: str, first_line: int) -> tuple[Ambiguity, ...]:
        """The recorded ambiguities with their places, in the order of the text."""
        for node, first in tree.redefined:
            self.note(
                "anchor-redefined", node, first, f"the anchor &{node.anchor} has two meanings"
            )
        if not self._notes:
            return ()
        lines = Lines(text, first_line)
        pointers = _pointers(tree, {id(node) for _, node, _, _ in self._notes})
        found = {
            Ambiguity(
                trap,
                pointers.get(id(node), ""),
                lines.span(node.start, node.end),
                lines.span(other.start, other.end) if other is not None else None,
                detail,
            ): node.start
            for trap, node, other, detail in self._notes
        }
        return tuple(sorted(found, key=lambda item: (found[item], item.trap)))


def _ends_in_block(node: Node) -> bool:
    return node.style in _BLOCK_STYLES and node.value.endswith("\n")


def _type_name(node: Node) -> str:
    while node.kind is Kind.ALIAS:
        node = node.children[0]
    return type(scalar_value(node)).__name__


def _reading(text: str, value: Scalar) -> str:
    if text in NULL_WORDS:
        return "kubectl reads null"
    shown = f"text {value!r}" if isinstance(value, str) else str(value).lower()
    return f"kubectl reads {text!r} as {shown}"


def _pointers(tree: Tree, wanted: set[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    queue: list[tuple[Node, str]] = [(tree.root, "")] if tree.root else []
    while queue:
        node, path = queue.pop()
        if id(node) in wanted:
            found[id(node)] = path
        if node.kind is Kind.SEQUENCE:
            queue.extend((child, f"{path}/{i}") for i, child in enumerate(node.children))
        elif node.kind is Kind.MAPPING:
            for key, value in zip(node.children[::2], node.children[1::2], strict=True):
                member = f"{path}/{escape_pointer(member_key(key))}"
                if id(key) in wanted:
                    found[id(key)] = member
                queue.append((value, member))
    return found
