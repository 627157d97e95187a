# SPDX-License-Identifier: Apache-2.0
"""How does a configuration or rules file look after a change, with everything else as it was?

Lines are replaced, added or taken out at the places that the untyped reader gives; comments and
formatting stay. Several remedies may change one file: all changes that a file needs are made
together, so that every remedy proposes the same new text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Several

from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Node, Scalar, Sequence

_ITEM = re.compile(r"\s*-(?:\s|$)")


class NotEditableError(ValueError):
    """The text is written in a way that cannot be changed line by line."""


def _mapping(text: str) -> Mapping:
    documents = untyped.load(text)
    if not documents:
        return Mapping()
    if not isinstance(documents[0], Mapping):
        raise NotEditableError("the file is no mapping")
    return documents[0]


def set_value(text: str, keys: Several[str], value: str) -> str:
    """The text of a mapping with a scalar set, by the path of its keys.

    Raises:
        NotEditableError: the place is written in flow style or is no scalar.
    """
    node = _mapping(text)
    for depth, key in enumerate(keys):
        found = node.get(key)
        if found is None:
            return _add(text, node, keys[depth:], value, depth)
        if isinstance(found, Scalar):
            if depth + 1 < len(keys):
                raise NotEditableError(f"{key} is no mapping")
            return _replace(text, found, value)
        if not isinstance(found, Mapping):
            raise NotEditableError(f"{key} is no scalar")
        node = found
    raise NotEditableError(f"{keys[-1]} is no scalar")


def _replace(text: str, node: Scalar, value: str) -> str:
    end = node.offset + len(node.text)
    if not node.plain or text[node.offset : end] != node.text:
        raise NotEditableError("a quoted value")
    return text[: node.offset] + value + text[end:]


def _add(text: str, parent: Mapping, keys: Several[str], value: str, depth: int) -> str:
    lines = text.splitlines(keepends=True)
    indent = " " * (parent.column - 1) if depth else ""
    new = [f"{indent}{'  ' * n}{key}:\n" for n, key in enumerate(keys[:-1])]
    new.append(f"{indent}{'  ' * (len(keys) - 1)}{keys[-1]}: {value}\n")
    if not depth:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join([*lines, *new])
    first = lines[parent.line - 1]
    if first.lstrip().startswith("{") or first[: parent.column - 1].strip():
        raise NotEditableError("flow style")
    return "".join([*lines[: parent.line - 1], *new, *lines[parent.line - 1 :]])


def without_items(text: str, lines: Several[int]) -> str:
    """The text of sequences without the items that start at these lines, from 1.

    Raises:
        NotEditableError: an item does not start with a dash on its line.
    """
    starts = sorted(_starts(text))
    rows = text.splitlines(keepends=True)
    dropped: set[int] = set()
    for line in lines:
        if line not in starts or not _ITEM.match(rows[line - 1]):
            raise NotEditableError(f"line {line} starts no item")
        following = [start for start in starts if start > line]
        dropped.update(_rows_of(rows, line, following[0] if following else len(rows) + 1))
    return "".join(row for number, row in enumerate(rows, 1) if number not in dropped)


def _starts(text: str) -> list[int]:
    found: list[int] = []
    for document in untyped.load(text):
        if isinstance(document, Sequence):
            found += [item.line for item in document.items]
    return found


def _rows_of(rows: list[str], start: int, end: int) -> range:
    """The lines of an item, without the comments and blanks that lead to the next one."""
    while end - 1 > start and _is_idle(rows[end - 2]):
        end -= 1
    return range(start, end)


def _is_idle(row: str) -> bool:
    return not row.strip() or row.lstrip().startswith(("#", "---", "..."))


def without_step(text: str, keys: Several[str], number: int) -> str:
    """The text of a mapping without one item of the sequence at a path of keys.

    Raises:
        NotEditableError: the sequence is written in flow style.
    """
    steps: Node | None = _mapping(text)
    for key in keys:
        steps = steps.get(key) if isinstance(steps, Mapping) else None
    if not isinstance(steps, Sequence) or number >= len(steps.items):
        raise NotEditableError(f"{keys[-1]} has no such step")
    rows = text.splitlines(keepends=True)
    start = steps.items[number].line
    if not _ITEM.match(rows[start - 1]):
        raise NotEditableError("flow style")
    indent = len(rows[start - 1]) - len(rows[start - 1].lstrip())
    end = start + 1
    while end <= len(rows) and _belongs(rows[end - 1], indent):
        end += 1
    rest = [row for n, row in enumerate(rows, 1) if not start <= n < end]
    return "".join(rest) if len(steps.items) > 1 else _emptied("".join(rest), keys[-1])


def _belongs(row: str, indent: int) -> bool:
    if not row.strip():
        return False
    return len(row) - len(row.lstrip()) > indent


def _emptied(text: str, key: str) -> str:
    """A key whose last item is gone gets an empty sequence."""
    return re.sub(rf"(?m)^([ \t]*{re.escape(key)}:)[ \t]*$", r"\1 []", text, count=1)
