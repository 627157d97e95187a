# SPDX-License-Identifier: Apache-2.0
"""Which nodes does the first YAML document of a text consist of?

libyaml's parser yields the events, an explicit stack turns them into a tree: no recursion, so
that deep nesting is an error and not a crash, and anchors may be redefined as in go-yaml.
`dialect` mends the few places where libyaml 0.2.5 and go-yaml v2 scan differently.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from kguard.sources.yaml import dialect, limits
from kguard.sources.yaml.documents import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator


# go-yaml takes one byte order mark for the encoding and skips another at the very start.
_MARKS_SKIPPED = 2


class Kind(IntEnum):
    """What a node is."""

    SCALAR = 0
    SEQUENCE = 1
    MAPPING = 2
    ALIAS = 3


class Node:
    """A node with its character offsets in the text.

    `children` of a mapping alternates keys and values; an alias has its target in `children[0]`.
    `plain` is true when the type follows from the text alone (no quotes, no tag).
    """

    __slots__ = (
        "anchor",
        "children",
        "end",
        "flow",
        "kind",
        "plain",
        "start",
        "style",
        "tag",
        "value",
    )

    def __init__(self, kind: Kind, event: Any, offset: int) -> None:
        self.kind = kind
        self.start: int = event.start_mark.index + offset
        self.end: int = event.end_mark.index + offset
        self.anchor: str | None = event.anchor
        self.tag: str | None = None
        self.value = ""
        self.plain = False
        self.style: str | None = None
        self.flow = False
        self.children: list[Node] = []


class Tree:
    """The first document of a text.

    `root` is None if there is none, `end` is where it ends, `last` is its last scalar.
    """

    __slots__ = ("end", "last", "redefined", "root")

    def __init__(self) -> None:
        self.root: Node | None = None
        self.end = 0
        self.last: Node | None = None
        self.redefined: list[tuple[Node, Node]] = []


def compose(text: str, *, strict: bool = True, final_newline: bool = True) -> Tree:
    """Parse the first document of `text`.

    `strict` is false for JSON text that is only looked at for positions. `final_newline` adds
    the line break that apimachinery adds to every last line.

    Raises:
        ReadError: the text is no YAML, has an unknown anchor or is nested too deeply.
    """
    body = text.lstrip(dialect.BYTE_ORDER_MARK)
    offset = len(text) - len(body)
    if offset > _MARKS_SKIPPED:
        offset = _MARKS_SKIPPED
        body = text[offset:]
    if final_newline and not body.endswith("\n"):
        body += "\n"
    if not strict:
        return _Composer(body, offset, (), strict=False).compose()
    return dialect.retry(body, lambda mended, marks: _Composer(mended, offset, marks).compose())


class _Composer:
    """Builds the tree of one text from libyaml's events."""

    def __init__(
        self, text: str, offset: int, mends: tuple[dialect.Mend, ...], *, strict: bool = True
    ) -> None:
        self.text = text
        self.offset = offset
        self.mends = mends
        self.slashes = strict and "\\/" in text
        self.exclamations = "!" in text
        self.tree = Tree()
        self.anchors: dict[str, Node] = {}
        self.stack: list[Node] = []

    def compose(self) -> Tree:
        import yaml

        for event in self._events():
            kind = event.__class__
            if kind is yaml.ScalarEvent:
                self.tree.last = self._scalar(event)
                self._attach(self.tree.last)
            elif kind is yaml.MappingStartEvent:
                self._open(Kind.MAPPING, event)
            elif kind is yaml.SequenceStartEvent:
                self._open(Kind.SEQUENCE, event)
            elif kind is yaml.AliasEvent:
                self._attach(self._alias(event))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.stack.pop().end = event.end_mark.index + self.offset
            elif kind is yaml.DocumentEndEvent:
                if self.slashes and not event.explicit and self.tree.root is not None:
                    begin = self.tree.root.start - self.offset
                    dialect.check_after_end(self.text, begin, event.end_mark.index)
                self.tree.end = event.end_mark.index + self.offset
                break
        return self.tree

    def _events(self) -> Iterator[Any]:
        from yaml._yaml import CParser

        parser = CParser(self.text)
        try:
            while (event := parser.get_event()) is not None:
                yield event
        finally:
            parser.dispose()

    def _scalar(self, event: Any) -> Node:
        node = Node(Kind.SCALAR, event, self.offset)
        node.value = dialect.unmend(event.value, self.mends) if self.mends else event.value
        node.style = event.style
        node.plain = event.implicit[0]
        node.tag = event.tag or self._lone_tag(node)
        node.flow = bool(self.stack) and self.stack[-1].flow
        self._check(node)
        if node.anchor is not None:
            self._register(node)
        return node

    def _check(self, node: Node) -> None:
        begin, end = node.start - self.offset, node.end - self.offset
        if node.style == '"':
            if self.slashes:
                dialect.check_escapes(self.text, begin, end)
        elif node.flow and not node.style:
            if self.exclamations:
                dialect.check_flow_tag(self.text, begin)
            dialect.check_flow_scalar(node.value, begin)

    def _lone_tag(self, node: Node) -> str | None:
        """The non-specific tag `!`, which libyaml drops and go-yaml keeps."""
        if not (self.exclamations and node.plain):
            return None
        begin, end = node.start - self.offset, node.end - self.offset
        return "!" if dialect.has_lone_tag(self.text, begin, end) else None

    def _open(self, kind: Kind, event: Any) -> None:
        if len(self.stack) >= limits.MAX_DEPTH:
            raise ReadError(
                f"nested deeper than {limits.MAX_DEPTH} levels",
                event.start_mark.index + self.offset,
            )
        node = Node(kind, event, self.offset)
        node.tag = event.tag
        node.flow = event.flow_style
        if node.anchor is not None:
            self._register(node)
        self._attach(node)
        self.stack.append(node)

    def _alias(self, event: Any) -> Node:
        node = Node(Kind.ALIAS, event, self.offset)
        node.value = event.anchor
        target = self.anchors.get(event.anchor)
        if target is None:
            raise ReadError(f"unknown anchor {event.anchor!r} referenced", node.start)
        node.children.append(target)
        return node

    def _register(self, node: Node) -> None:
        name = node.anchor or ""
        if name in self.anchors:
            self.tree.redefined.append((node, self.anchors[name]))
        self.anchors[name] = node

    def _attach(self, node: Node) -> None:
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.tree.root = node
