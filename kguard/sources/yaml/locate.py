# SPDX-License-Identifier: Apache-2.0
"""Where in the file does the value of a JSON pointer stand?"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from kguard.model.locations import escape_pointer, pointer_tokens
from kguard.sources.yaml.documents import Location, ReadError
from kguard.sources.yaml.fast_alike import locate_alike
from kguard.sources.yaml.fast_locate import locate_block
from kguard.sources.yaml.fast_shapes import UNKNOWN_SHAPE
from kguard.sources.yaml.keys import is_merge, member_key
from kguard.sources.yaml.nodes import Kind, Node, compose
from kguard.sources.yaml.positions import Lines

_REMEMBERED = 2
"""Trees that are kept: evidence often has several places in one document, in a dump thousands."""


class Member(NamedTuple):
    """A value and, inside a mapping, its key."""

    key: Node | None
    value: Node


def locate(
    text: str, first_line: int, pointer: str, *, block: bool = False, shape: int = UNKNOWN_SHAPE
) -> Location:
    """The place of a pointer's value in the file, or of its nearest existing ancestor.

    Args:
        text: a document's text.
        first_line: the line of the file on which it starts.
        pointer: JSON pointer (RFC 6901) into the document's value.
        block: whether the fast path has read the document (`Document.block`).
        shape: `Document.shape`; texts of one shape are not searched anew.

    A text that cannot be parsed as YAML has one place: all of it.
    """
    if block and (quick := _quick(text, first_line, pointer, shape)) is not None:
        return quick
    lines, root = _parsed(text, first_line)
    if root is None:
        return Location("", None, lines.span(0, len(text.rstrip())))
    member, found = Member(None, root), ""
    for token in pointer_tokens(pointer):
        child = step(member.value, token)
        if child is None:
            break
        member, found = child, f"{found}/{escape_pointer(token)}"
    key = lines.span(member.key.start, member.key.end) if member.key else None
    return Location(found, key, lines.span(member.value.start, _end(text, member.value)))


def _quick(text: str, first_line: int, pointer: str, shape: int) -> Location | None:
    if shape == UNKNOWN_SHAPE:
        return locate_block(text, first_line, pointer)
    return locate_alike(text, first_line, pointer, shape)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(text: str, first_line: int) -> tuple[Lines, Node | None]:
    try:
        root = compose(text, strict=False).root
    except ReadError:
        root = None
    return Lines(text, first_line), root


def step(node: Node, token: str) -> Member | None:
    """The child of a node that kubectl reads under a pointer's token."""
    node = resolved(node)
    if node.kind is Kind.SEQUENCE:
        if token.isdecimal() and int(token) < len(node.children):
            return Member(None, node.children[int(token)])
        return None
    return _member(node, token) if node.kind is Kind.MAPPING else None


def resolved(node: Node) -> Node:
    """The node itself, or what an alias stands for."""
    return node.children[0] if node.kind is Kind.ALIAS else node


def _member(mapping: Node, name: str) -> Member | None:
    """The last one of that name, looking into merges as they come."""
    pairs = list(zip(mapping.children[::2], mapping.children[1::2], strict=True))
    for key, value in reversed(pairs):
        if not is_merge(key):
            if member_key(key) == name:
                return Member(key, value)
            continue
        merged = resolved(value)
        for target in merged.children if merged.kind is Kind.SEQUENCE else [merged]:
            if resolved(target) is not mapping and (found := step(target, name)) is not None:
                return found
    return None


def _end(text: str, node: Node) -> int:
    """Where the node's own text ends: block collections end before the blanks after them."""
    return node.start + len(text[node.start : node.end].rstrip())
