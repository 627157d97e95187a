# SPDX-License-Identifier: Apache-2.0
"""How does a document's text change when a value in it changes, and nothing else?

An operation on a JSON pointer becomes one replacement of a span of characters; every other
character, comments and indentation included, stays. The result is read again and must equal the
operation applied to the value; otherwise nothing is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from kguard.model.locations import escape_pointer, pointer_tokens
from kguard.model.remedies import Operation
from kguard.sources.yaml import render
from kguard.sources.yaml.documents import Document, Profile, ReadError
from kguard.sources.yaml.keys import is_merge, member_key
from kguard.sources.yaml.nodes import Kind, Node, compose
from kguard.sources.yaml.patch import END_OF_LIST, child_of, patched, refined
from kguard.sources.yaml.reader import load


class SpliceRefused(Exception):  # noqa: N818  (a verdict: the text stays as it is)
    """The text cannot be edited with exactly the wanted effect; says why."""


class _Cut(NamedTuple):
    """Replace the characters from `start` to before `end` by `text`."""

    start: int
    end: int
    text: str


class _Step(NamedTuple):
    """An operation that is one cut; `keep_flow`: what stands in brackets stays in brackets."""

    operation: Operation
    keep_flow: bool = True


def splice(text: str, operations: Iterable[Operation], *, profile: Profile = "kubectl") -> str:
    """The text of one document with operations applied in order, every other byte kept.

    Args:
        text: a document's text (`Document.text`), YAML or JSON.
        operations: edits on JSON pointers into the document's value.
        profile: whose reading decides about the value.

    Raises:
        SpliceRefused: a pointer leads nowhere, or the edit would change something else as well
            (an alias, a merge, a repeated key), or the place is written in a way that has no
            safe edit.
    """
    for operation in operations:
        value = _value(text, profile)
        wanted = applied(value, operation)
        steps = _steps(operation, value)
        # A block scalar would swallow a comment that follows it: then text is quoted.
        for block_scalars in (True, False):
            after = text
            for step in steps:
                after = _spliced(after, step, block_scalars=block_scalars)
            if _reads_as(after, wanted, profile):
                break
        else:
            raise SpliceRefused(f"an edit at {operation.pointer} would change more than that")
        text = after
    return text


def _reads_as(text: str, wanted: Any, profile: Profile) -> bool:
    try:
        return _alike(_value(text, profile), wanted)
    except SpliceRefused:
        return False


def _value(text: str, profile: Profile) -> Any:
    try:
        found = list(load(text.encode(), profile=profile))
    except UnicodeEncodeError:
        raise SpliceRefused("the text is not valid Unicode") from None
    if len(found) != 1 or not isinstance(found[0], Document):
        raise SpliceRefused("the text is not one readable document")
    return found[0].value


def _alike(one: Any, other: Any) -> bool:
    """Equality that tells true from 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _steps(operation: Operation, value: Any) -> list[_Step]:
    """The operation in steps that each are one cut."""
    parents = pointer_tokens(operation.pointer)
    if not parents:
        return [_Step(step) for step in refined(operation, value)]
    holder = value
    for token in parents[:-1]:
        holder = child_of(holder, token)
    above = "".join("/" + escape_pointer(token) for token in parents[:-1])
    if operation.op == "remove":
        return [_Step(operation)]
    if operation.op == "replace" or (isinstance(holder, dict) and parents[-1] in holder):
        return [_Step(step) for step in refined(operation, child_of(holder, parents[-1]))]
    if not holder:
        # An empty collection that grows is written anew, outside brackets if it can be.
        grown = patched(holder, [_below(operation)])
        return [_Step(Operation("replace", above, grown), keep_flow=False)]
    return [_Step(operation)]


def applied(value: Any, operation: Operation) -> Any:
    """A copy of a value with an operation applied.

    Raises:
        SpliceRefused: the pointer leads nowhere.
    """
    try:
        return patched(value, [operation])
    except LookupError as error:
        raise SpliceRefused(str(error)) from None


def _below(operation: Operation) -> Operation:
    """The operation as its pointer's parent sees it."""
    last = pointer_tokens(operation.pointer)[-1]
    return Operation(operation.op, "/" + escape_pointer(last), operation.value)


def _spliced(text: str, step: _Step, *, block_scalars: bool) -> str:
    try:
        root = compose(text, strict=False).root
    except ReadError as error:
        raise SpliceRefused(f"the text has no positions: {error.message}") from None
    if root is None:
        raise SpliceRefused("the text is empty")
    cut = _Editor(text, root, block_scalars=block_scalars).cut(step)
    return text[: cut.start] + cut.text + text[cut.end :]


class _Editor:
    """Finds the cut that an operation makes in one text."""

    def __init__(self, text: str, root: Node, *, block_scalars: bool) -> None:
        self.text = text
        self.root = root
        self.style = render.style_of(text, root, block_scalars=block_scalars)

    def cut(self, step: _Step) -> _Cut:
        operation = step.operation
        tokens = pointer_tokens(operation.pointer)
        if not tokens:
            return self._root(operation.value)
        holder, above = self.root, (self.root, 0)
        for token in tokens[:-1]:
            index, child = self._child(holder, token)
            holder, above = child, (holder, index)
        if holder.kind is Kind.ALIAS:
            raise SpliceRefused(f"{operation.pointer} is shared by an alias")
        if operation.op == "add" and not self._has(holder, tokens[-1], operation):
            return self._add(holder, tokens[-1], operation.value)
        index, node = self._child(holder, tokens[-1])
        if operation.op != "remove":
            return self._replace(holder, index, node, operation.value, keep_flow=step.keep_flow)
        if len(holder.children) > (2 if holder.kind is Kind.MAPPING else 1):
            return self._remove(holder, index)
        empty: Any = {} if holder.kind is Kind.MAPPING else []
        if holder is self.root:
            return self._root(empty)
        return self._replace(*above, holder, empty, keep_flow=True)

    def _root(self, value: Any) -> _Cut:
        if not value and isinstance(value, (dict, list)):
            text = render.flow(value, as_json=True)
            return _Cut(self.root.start, self._end(self.root), text)
        raise SpliceRefused("the whole document would be replaced")

    def _has(self, holder: Node, token: str, operation: Operation) -> bool:
        if holder.kind is Kind.SEQUENCE:
            return False
        return operation.op != "add" or any(
            member_key(key) == token for key in holder.children[::2] if not is_merge(key)
        )

    def _child(self, holder: Node, token: str) -> tuple[int, Node]:
        """The child that a token names, and its index in `children` (the key's in a mapping)."""
        if holder.kind is Kind.SEQUENCE and token.isdecimal():
            return int(token), holder.children[int(token)]
        if holder.kind is Kind.MAPPING:
            pairs = zip(holder.children[::2], holder.children[1::2], strict=True)
            found = [
                (2 * place, value)
                for place, (key, value) in enumerate(pairs)
                if not is_merge(key) and member_key(key) == token
            ]
            if len(found) == 1:
                return found[0]
            if found:
                raise SpliceRefused(f"the key {token!r} occurs more than once")
        raise SpliceRefused(f"{token!r} comes from an alias or a merge")

    def _end(self, node: Node) -> int:
        """Where the text of a node ends, without the blanks and comments that follow."""
        while node.kind in {Kind.MAPPING, Kind.SEQUENCE} and not node.flow and node.children:
            node = node.children[-1]
        if node.style in {"|", ">"} and "+" in self.text[node.start : node.end].split("\n")[0]:
            return node.end - (self.text[node.end - 1 : node.end] == "\n")
        return node.start + len(self.text[node.start : node.end].rstrip())

    def _line_end(self, index: int) -> int:
        """The end of the line of `index`, before its line break."""
        end = self.text.find("\n", index)
        end = len(self.text) if end < 0 else end
        return end - (self.text[end - 1 : end] == "\r")

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    # Adding

    def _add(self, holder: Node, token: str, value: Any) -> _Cut:
        if holder.kind is Kind.MAPPING and holder.flow:
            json_style = self._is_json(holder)
            key = json.dumps(token) if json_style else render.scalar(token, block=False)
            return self._flow_add(
                holder, len(holder.children), f"{key}: {render.flow(value, as_json=json_style)}"
            )
        if holder.kind is Kind.MAPPING:
            column = render.column_of(self.text, holder.children[0].start)
            at = self._line_end(self._end(holder))
            lines = render.member(token, value, column, self.style)
            return _Cut(at, at, f"{self.style.newline}{' ' * column}{lines}")
        index = len(holder.children) if token == END_OF_LIST else int(token)
        if holder.flow:
            new = render.flow(value, as_json=self._is_json(holder))
            return self._flow_add(holder, index, new)
        return self._item_add(holder, index, value)

    def _item_add(self, holder: Node, index: int, value: Any) -> _Cut:
        column = render.column_of(self.text, holder.start)
        lines = "- " + render.after_dash(value, column, self.style)
        margin = self.style.newline + " " * column
        if index == len(holder.children):
            at = self._line_end(self._end(holder))
            return _Cut(at, at, margin + lines)
        at = self._dash(holder, index)
        return _Cut(at, at, lines + margin)

    def _flow_add(self, holder: Node, index: int, new: str) -> _Cut:
        children = holder.children
        stride = 2 if holder.kind is Kind.MAPPING else 1
        if index < len(children):
            at = children[index].start
            return _Cut(at, at, f"{new}, ")
        at = self._end(children[-1])
        last = children[-stride].start
        before = self._end(children[-stride - 1]) if len(children) > stride else holder.start + 1
        gap = self.text[before:last].replace(",", "", 1)
        return _Cut(at, at, f",{gap if gap.isspace() else ' '}{new}")

    def _is_json(self, holder: Node) -> bool:
        """Whether a flow collection writes its strings as JSON does."""
        nodes = [holder, self.root]
        keys = [n.children[0] for n in nodes if n.kind is Kind.MAPPING and n.children]
        return any(key.style == '"' for key in keys)

    # Replacing

    def _replace(
        self, holder: Node, index: int, node: Node, value: Any, *, keep_flow: bool
    ) -> _Cut:
        end = self._end(node)
        collections = node.kind is not Kind.SCALAR and isinstance(value, (dict, list))
        if holder.flow or (keep_flow and node.flow and collections):
            new = self._flow_value(holder, node, value)
            empty = node.start == node.end and holder.kind is Kind.MAPPING
            return _Cut(node.start, max(end, node.start), " " + new if empty else new)
        scalar = not isinstance(value, (dict, list))
        one_line = "\n" not in self.text[node.start : end]
        multi = isinstance(value, str) and "\n" in value
        if scalar and not multi and node.kind is Kind.SCALAR and one_line and node.start < node.end:
            return _Cut(node.start, end, render.scalar(value, like=node.style))
        if holder.kind is Kind.SEQUENCE:
            column = render.column_of(self.text, holder.start)
            at = self._dash(holder, index) + 1
            return _Cut(at, max(end, at), " " + render.after_dash(value, column, self.style))
        key = holder.children[index]
        column = render.column_of(self.text, key.start)
        colon = self.text.find(":", key.end) + 1
        if self.text[key.end : colon - 1].strip(" "):
            raise SpliceRefused("the key is written in a way that has no safe edit")
        return _Cut(colon, max(end, colon), render.after_key(value, column, self.style))

    def _flow_value(self, holder: Node, node: Node, value: Any) -> str:
        if self._is_json(holder):
            return render.flow(value, as_json=True)
        if isinstance(value, str):
            return render.scalar(value, like=node.style, block=False)
        return render.flow(value, as_json=False)

    # Removing

    def _remove(self, holder: Node, index: int) -> _Cut:
        if holder.flow:
            return self._flow_remove(holder, index)
        if holder.kind is Kind.SEQUENCE:
            start = self._dash(holder, index)
            following = index + 1
        else:
            start = holder.children[index].start
            following = index + 2
        end = self._end(holder.children[following - 1])
        end = max(end, start + 1)
        head = self._line_start(start)
        if not self.text[head:start].strip(" "):
            return _Cut(*self._lines(head, end), "")
        if following >= len(holder.children):
            raise SpliceRefused("the last part of a line has no safe removal")
        if holder.kind is Kind.SEQUENCE:
            return _Cut(start, self._dash(holder, following), "")
        return _Cut(start, holder.children[following].start, "")

    def _lines(self, head: int, end: int) -> tuple[int, int]:
        """The whole lines from `head` to the one with `end`, with one line break."""
        stop = self.text.find("\n", end)
        if stop >= 0:
            return head, stop + 1
        return max(head - 1, 0), len(self.text)

    def _flow_remove(self, holder: Node, index: int) -> _Cut:
        children = holder.children
        following = index + (2 if holder.kind is Kind.MAPPING else 1)
        if following < len(children):
            return _Cut(children[index].start, children[following].start, "")
        return _Cut(self._end(children[index - 1]), self._end(children[following - 1]), "")

    def _dash(self, holder: Node, index: int) -> int:
        """Where the dash of an item stands."""
        child = holder.children[index]
        at = self.text.rfind("-", holder.start, max(child.start, holder.start + 1))
        right = at >= 0 and render.column_of(self.text, at) == render.column_of(
            self.text, holder.start
        )
        if not right or self.text[at + 1 : child.start].strip():
            raise SpliceRefused("the list is written in a way that has no safe edit")
        return at
