# SPDX-License-Identifier: Apache-2.0
"""How is a document edited so that every other byte stays as it is?

Each operation replaces one region of the text. The result is read again and must equal the
operation applied to the value; anything else is refused, so that comments, anchors and spellings
that are too odd to edit safely are never damaged.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from kguard.model.locations import pointer_tokens
from kguard.model.remedies import Operation
from kguard.sources.yaml.blocks import Style, block, inline, literal
from kguard.sources.yaml.documents import Document, Profile, ReadError
from kguard.sources.yaml.locate import Member, resolved, step
from kguard.sources.yaml.nodes import Kind, Node, compose
from kguard.sources.yaml.reader import load


class SpliceRefused(Exception):  # noqa: N818  (an outcome that the caller turns into a refusal)
    """The document cannot be edited without touching more than was asked for."""


def splice(text: str, operations: Iterable[Operation], *, profile: Profile = "kubectl") -> str:
    """Edit one document's text.

    Args:
        text: the text of one document.
        operations: edits in their order; `add` to a sequence inserts, `-` appends (RFC 6902).
        profile: whose reader must understand the result.

    Raises:
        SpliceRefused: a pointer leads nowhere, or the result is not what was asked for.
    """
    value = _read(text, profile)
    for operation in operations:
        wanted = applied(value, operation)
        text = _Editor(text).edit(operation)
        value = _read(text, profile)
        if not _same(value, wanted):
            raise SpliceRefused(f"the text at {operation.pointer} is written too unusually")
    return text


def applied(value: Any, operation: Operation) -> Any:
    """A copy of a value with an operation applied.

    Raises:
        SpliceRefused: the pointer leads nowhere.
    """
    result = copy.deepcopy(value)
    *parents, last = pointer_tokens(operation.pointer)
    try:
        holder = result
        for token in parents:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        _change(holder, last, operation)
    except (KeyError, IndexError, ValueError, TypeError):
        raise SpliceRefused(f"nothing stands at {operation.pointer}") from None
    return result


def _change(holder: Any, last: str, operation: Operation) -> None:
    value = copy.deepcopy(operation.value)
    if isinstance(holder, list):
        if operation.op == "add":
            holder.insert(len(holder) if last == "-" else int(last), value)
        elif operation.op == "remove":
            del holder[int(last)]
        else:
            holder[int(last)] = value
    elif operation.op == "add":
        holder[last] = value
    elif operation.op == "remove":
        del holder[last]
    else:
        holder[last], _ = value, holder[last]


def _read(text: str, profile: Profile) -> Any:
    found = list(load(text.encode(), profile=profile))
    if len(found) != 1 or not isinstance(found[0], Document):
        raise SpliceRefused("the text would no longer be one readable document")
    return found[0].value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


class _Editor:
    """Edits one text once."""

    def __init__(self, text: str) -> None:
        self.text = text
        json = text.lstrip()[:1] in ("{", "[")
        self.style = Style(json=json, newline="\r\n" if "\r\n" in text else "\n")
        try:
            root = compose(text, strict=not json).root
        except ReadError as error:
            raise SpliceRefused(str(error)) from None
        if root is None:
            raise SpliceRefused("the document is empty")
        self.root = root

    def edit(self, operation: Operation) -> str:
        *parents, last = pointer_tokens(operation.pointer)
        holder = Member(None, self.root)
        for token in parents:
            child = step(holder.value, token)
            if child is None:
                raise SpliceRefused(f"nothing stands at {operation.pointer}")
            holder = child
        node = resolved(holder.value)
        if node.kind is Kind.SEQUENCE:
            return self._in_sequence(holder, node, last, operation)
        if node.kind is Kind.MAPPING:
            return self._in_mapping(holder, node, last, operation)
        raise SpliceRefused(f"{operation.pointer} is not inside a mapping or a list")

    def _put(self, start: int, end: int, replacement: str) -> str:
        return self.text[:start] + replacement + self.text[end:]

    def _in_mapping(self, holder: Member, node: Node, name: str, operation: Operation) -> str:
        member = step(node, name)
        if operation.op == "remove":
            if member is None:
                raise SpliceRefused(f"nothing stands at {operation.pointer}")
            return self._drop(holder, node, 2, node.children.index(member.key or member.value))
        if member is not None:
            return self._replace(member, self._column(node), operation.value)
        if node.flow:
            pair = f"{inline(name, self.style)}: {inline(operation.value, self.style)}"
            return self._grow(holder, node, pair, {name: operation.value})
        column = self._column(node)
        lines = self.style.newline + " " * column
        return self._after(node, lines + block({name: operation.value}, column, self.style))

    def _in_sequence(self, holder: Member, node: Node, place: str, operation: Operation) -> str:
        count = len(node.children)
        index = count if place == "-" else int(place)
        if operation.op == "remove":
            return self._drop(holder, node, 1, index)
        if operation.op == "replace":
            column = self._column(node) + 2
            return self._replace(Member(None, node.children[index]), column, operation.value)
        if node.flow:
            text = inline(operation.value, self.style)
            if index < count:
                at = node.children[index].start
                return self._put(at, at, f"{text}, ")
            return self._grow(holder, node, text, [operation.value])
        column = self._column(node)
        item = block([operation.value], column, self.style)
        if index == 0:
            dash = self._dash(node, 0)
            return self._put(dash, dash, item + self.style.newline + " " * column)
        new = self.style.newline + " " * column + item
        return self._after(node.children[index - 1], new)

    def _replace(self, member: Member, column: int, value: Any) -> str:
        """Put a value in the place of another; `column` is that of the key or of the item."""
        node = member.value
        start, end = node.start, self._content_end(node)
        lines = literal(value, column, self.style) if isinstance(value, str) else None
        if node.style == "|" and lines is not None:
            return self._put(start, end, lines)
        if node.flow or (node.kind is Kind.SCALAR and not isinstance(value, dict | list)):
            return self._put(start, end, self._spaced(start, inline(value, self.style)))
        if self._inside_flow(node):
            return self._put(start, end, inline(value, self.style))
        if not isinstance(value, dict | list) or not value:
            start = start if member.key is None else self._colon(member.key)
            return self._put(start, end, self._spaced(start, inline(value, self.style)))
        if member.key is None:
            return self._put(start, end, block(value, column, self.style))
        colon = self._colon(member.key)
        indent = column if isinstance(value, list) else column + 2
        lines = self.style.newline + " " * indent + block(value, indent, self.style)
        return self._put(colon, end, lines)

    def _colon(self, key: Node) -> int:
        """Right behind the colon of a key."""
        found = self.text.find(":", key.end)
        if found < 0:
            raise SpliceRefused("the key is written too unusually")
        return found + 1

    def _spaced(self, start: int, text: str) -> str:
        """An empty value has its place right behind the colon."""
        return f" {text}" if self.text[start - 1 : start] == ":" else text

    def _grow(self, holder: Member, node: Node, text: str, value: Any) -> str:
        """Add to the end of a flow collection; an empty one in block style becomes a block."""
        if node.children:
            at = self._content_end(node.children[-1])
            return self._put(at, at, f", {text}")
        if holder.key is not None and not self._inside_flow(node) and not self.style.json:
            column = self._line_column(holder.key.start)
            indent = column if isinstance(value, list) else column + 2
            colon = self._colon(holder.key)
            lines = self.style.newline + " " * indent + block(value, indent, self.style)
            return self._put(colon, node.end, lines)
        return self._put(node.start + 1, node.start + 1, text)

    def _drop(self, holder: Member, node: Node, width: int, at: int) -> str:
        """Remove a member (two nodes) or an item (one node) that begins with child `at`."""
        children, position = node.children, at
        if position >= len(children):
            raise SpliceRefused("there is no such item")
        if len(children) == width:
            empty = "[]" if width == 1 else "{}"
            return self._empty(holder, node, empty)
        first, last = children[position], children[position + width - 1]
        end = self._content_end(last)
        if node.flow:
            return self._drop_flow(children, position, width, end)
        start = first.start if width == 2 else self._dash(node, position)  # noqa: PLR2004
        line = self.text.rfind("\n", 0, start) + 1
        if self.text[line:start].strip():
            following = children[position + width].start
            if width == 1:
                following = self._dash(node, position + 1)
            return self._put(start, following, "")
        stop = self.text.find("\n", end)
        return self._put(line, len(self.text) if stop < 0 else stop + 1, "")

    def _drop_flow(self, children: list[Node], position: int, width: int, end: int) -> str:
        if position + width < len(children):
            return self._put(children[position].start, children[position + width].start, "")
        return self._put(self._content_end(children[position - 1]), end, "")

    def _empty(self, holder: Member, node: Node, text: str) -> str:
        end = self._content_end(node)
        if holder.key is None or node.flow:
            return self._put(node.start, end, text)
        colon = self._colon(holder.key)
        return self._put(colon, end, f" {text}")

    def _after(self, node: Node, lines: str) -> str:
        """Insert lines below the line on which a node's content ends, its comment included."""
        end = self._content_end(node)
        stop = self.text.find("\n", end)
        stop = len(self.text) if stop < 0 else stop - (self.text[stop - 1] == "\r")
        return self._put(stop, stop, lines)

    def _content_end(self, node: Node) -> int:
        """Where the node's own text ends, without comments and blanks after it."""
        while node.kind in (Kind.MAPPING, Kind.SEQUENCE) and not node.flow and node.children:
            node = node.children[-1]
        return node.start + len(self.text[node.start : node.end].rstrip())

    def _inside_flow(self, node: Node) -> bool:
        stack = [self.root]
        while stack:
            parent = stack.pop()
            if parent.flow and parent.start < node.start < parent.end:
                return True
            stack += parent.children
        return False

    def _line_column(self, at: int) -> int:
        return at - self.text.rfind("\n", 0, at) - 1

    def _column(self, node: Node) -> int:
        return self._line_column(node.start)

    def _dash(self, node: Node, index: int) -> int:
        """Where the dash of an item of a block list stands."""
        column = self._column(node)
        at = node.children[index].start
        lowest = node.children[index - 1].start if index else node.start
        line = self.text.rfind("\n", 0, at) + 1
        while line >= 0 and line + column >= lowest:
            if self.text[line + column : line + column + 1] == "-":
                return line + column
            line = self.text.rfind("\n", 0, max(line - 1, 0)) + 1
            if line == 0 and self.text[column : column + 1] != "-":
                break
        raise SpliceRefused("the list is written too unusually")
