# SPDX-License-Identifier: Apache-2.0
"""Which places of which objects are not the same on both sides of a change?

Objects are compared by identity and content: the order of keys, files and documents, comments and
the style of YAML are no difference. Elements of lists are aligned, so that an inserted rule does
not make the later ones look changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from kguard.inventory import Inventory
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, PlainDocument, PlainFile

MAX_ALIGNED = 400
"""Elements of lists, and lines of texts, that are aligned; longer ones are compared by position."""

Item = Manifest | PlainDocument | PlainFile
Side = Literal["base", "head"]


class Spot(NamedTuple):
    """A changed place of an object; `line` counts within a text of several lines, from 1."""

    side: Side
    pointer: str
    line: int = 0


class Edited(NamedTuple):
    """An object that is not the same on both sides; None where it does not exist."""

    base: Item | None
    head: Item | None
    spots: tuple[Spot, ...]

    def on(self, side: Side) -> Item | None:
        """The object on one side."""
        return self.base if side == "base" else self.head

    @property
    def name(self) -> str:
        """The object in words."""
        item = self.head or self.base
        if isinstance(item, Manifest):
            return str(item.ref)
        return "" if item is None else item.id.removeprefix("file:")


def edits(base: Inventory, head: Inventory, roots: tuple[str, str] = ("", "")) -> list[Edited]:
    """Every object, document and file that is not the same on both sides, in the order of names.

    Args:
        base: what there was.
        head: what there is.
        roots: the displayed folders of both sides, if they differ: what has no name is known by
            its place below them.
    """
    old, new = _items(base, roots[0]), _items(head, roots[1])
    _pair_moved(old, new)
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        spots = tuple(_spots(before, after))
        if spots:
            found.append(Edited(before, after, spots))
    return found


def _items(inventory: Inventory, root: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    prefix = f"{root}/" if root and root != "." else ""
    every: Iterable[Item] = (*inventory.files, *inventory.documents, *inventory.manifests)
    for item in every:
        named = isinstance(item, Manifest) and item.name
        found[item.id if named or not prefix else item.id.replace(prefix, "", 1)] = item
    return found


def _pair_moved(old: dict[str, Item], new: dict[str, Item]) -> None:
    """Know files without a name by their content where they moved."""
    gone = {key: item for key, item in old.items() if key not in new and not _is_named(item)}
    come = {_content(item): key for key, item in new.items() if key not in old}
    for key, item in gone.items():
        if moved := come.get(_content(item)):
            old[moved] = old.pop(key)


def _is_named(item: Item) -> bool:
    return isinstance(item, Manifest) and bool(item.name)


def _content(item: Item) -> str:
    return _key(_value(item))


def _value(item: Item | None) -> Any:
    if isinstance(item, Manifest):
        return item.object
    return item.value if isinstance(item, PlainDocument) else item.content if item else None


def _spots(before: Item | None, after: Item | None) -> Iterator[Spot]:
    old, new = _value(before), _value(after)
    if before is None or after is None:
        yield Spot("head" if before is None else "base", "")
    elif old is not new and old != new:
        yield from differences(old, new)


def differences(old: Any, new: Any, at: str = "") -> Iterator[Spot]:
    """The smallest places that differ; what is replaced is a spot on both sides."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
        yield from _of_mappings(old, new, at)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(old, new, at)
    elif isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        yield from _of_texts(old, new, at)
    elif old != new or type(old) is not type(new):
        yield Spot("base", at)
        yield Spot("head", at)


def _of_mappings(old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> Iterator[Spot]:
    for key in (*new, *(key for key in old if key not in new)):
        place = at + pointer(key)
        if key not in old:
            yield Spot("head", place)
        elif key not in new:
            yield Spot("base", place)
        else:
            yield from differences(old[key], new[key], place)


def _of_lists(old: list[Any], new: list[Any], at: str) -> Iterator[Spot]:
    for a, b, c, d in _opcodes([*map(_key, old)], [*map(_key, new)]):
        pairs = min(b - a, d - c)
        for step in range(pairs):
            place = (at + pointer(a + step), at + pointer(c + step))
            yield from _moved(differences(old[a + step], new[c + step]), place)
        yield from (Spot("base", at + pointer(index)) for index in range(a + pairs, b))
        yield from (Spot("head", at + pointer(index)) for index in range(c + pairs, d))


def _moved(spots: Iterable[Spot], place: tuple[str, str]) -> Iterator[Spot]:
    for spot in spots:
        start = place[0] if spot.side == "base" else place[1]
        yield Spot(spot.side, start + spot.pointer, spot.line)


def _of_texts(old: str, new: str, at: str) -> Iterator[Spot]:
    for a, b, c, d in _opcodes(old.splitlines(), new.splitlines()):
        yield from (Spot("base", at, line + 1) for line in range(a, b))
        yield from (Spot("head", at, line + 1) for line in range(c, d))


def _opcodes(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """The ranges that differ."""
    if len(old) + len(new) > MAX_ALIGNED:
        yield 0, len(old), 0, len(new)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield a, b, c, d


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
