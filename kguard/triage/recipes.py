# SPDX-License-Identifier: Apache-2.0
"""Which changed line of a kustomization, or of a chart's values, makes an object appear or go?

An object may be gone although the file that it stands in is as it was: a kustomization lists the
file no longer, a value switches its template off.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from kguard.inventory import Inventory
from kguard.model.manifests import Manifest, Recipe
from kguard.triage.edits import MAX_ALIGNED, Edited, Side

_KEY = re.compile(r"^( *)(?:- )?([\w.-]+) *:")


class Line(NamedTuple):
    """A changed line of a recipe."""

    side: Side
    file: str
    number: int
    text: str
    near: int
    """The line of the head that stands there, or before it; `end` is the column behind it."""
    end: int
    keys: tuple[str, ...]
    """The keys that lead to it."""


class Recipes:
    """The recipes of both sides; ``roots`` as in `edits`."""

    def __init__(self, base: Inventory, head: Inventory, roots: tuple[str, str]) -> None:
        self._base = {_name(r.file, roots[0]): r for r in base.collected.recipes}
        self._head = {_name(r.file, roots[1]): r for r in head.collected.recipes}
        self._roots = roots
        self._lines = list(self._changed())

    def deciding(self, edit: Edited) -> Line | None:
        """The changed line that decides about an object, where one does."""
        item = edit.base or edit.head
        if not isinstance(item, Manifest) or not item.text.apply_set:
            return None
        name = _name(item.text.file, self._roots[0 if edit.base else 1])
        lines = [line for line in self._lines if line.file != item.text.file]
        if item.text.rendered_by == "helm":
            return self._of_values(name, lines)
        if edit.base and edit.head:
            return None
        return next((line for line in lines if _lists(line, item.text.file)), None)

    def _of_values(self, template: str, lines: Sequence[Line]) -> Line | None:
        texts = {side[template].text for side in (self._base, self._head) if template in side}
        if len(texts) != 1:
            return None  # the template itself is otherwise
        depths = [_depth(line.keys, text) for line in lines for text in texts]
        best = max(depths, default=0)
        if best or len({line.keys for line in lines}) == 1:
            return lines[depths.index(best)]
        return None

    def _changed(self) -> Iterator[Line]:
        for name in sorted(self._base.keys() & self._head.keys()):
            before, after = self._base[name], self._head[name]
            if before.chooses and before.text != after.text:
                yield from _differences(before, after)


def _name(file: str, root: str) -> str:
    return file.removeprefix(f"{root}/") if root and root != "." else file


def _differences(before: Recipe, after: Recipe) -> Iterator[Line]:
    old, new = before.text.splitlines(), after.text.splitlines()
    if len(old) + len(new) > MAX_ALIGNED * 10:
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        for index in range(c, d):
            place = (index + 1, new[index], index + 1, len(new[index]) + 1)
            yield Line("head", after.file, *place, _keys(new, index))
        for index in range(a, b) if c == d else ():
            near = min(max(c, 1), len(new))
            place = (index + 1, old[index], near, len(new[near - 1]) + 1 if new else 1)
            yield Line("base", before.file, *place, _keys(old, index))


def _keys(lines: Sequence[str], index: int) -> tuple[str, ...]:
    """The keys of a block mapping that lead to a line."""
    found: list[str] = []
    limit = len(lines[index]) + 1
    for line in reversed(lines[: index + 1]):
        match = _KEY.match(line)
        if match and len(match[1]) < limit:
            found.append(match[2])
            limit = len(match[1])
    return tuple(reversed(found))


def _depth(keys: Sequence[str], template: str) -> int:
    """How many of the keys a template names, from the first."""
    for count in range(len(keys), 0, -1):
        name = re.escape(".Values." + ".".join(keys[:count]))
        if re.search(rf"{name}(?![\w-])", template):
            return count
    return 0


def _lists(line: Line, file: str) -> bool:
    """Whether an entry of a kustomization leads to a file, or to a folder above it."""
    text = line.text.strip().removeprefix("-").strip().strip("'\"")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(line.file), text))
    return bool(text) and (target == file or file.startswith(f"{target}/"))
