# SPDX-License-Identifier: Apache-2.0
"""What does an item of a rules file say one by one, and how is it written with less?

An override often does several things: an exception for one program and one for a whole namespace,
a hook with three alternatives, a priority beside a condition. A portion is what can be left out so
that the rest means what it meant: a key of an override, a row of an exception, an entry of a list,
one of the conjuncts (or disjuncts) that a text appends, one of the alternatives of a macro.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from kguard.model.locations import pointer
from kguard.model.manifests import mapping, sequence
from kguard.model.remedies import Operation

_WORD = re.compile(r"(and|or)(?=[\s(])", re.IGNORECASE)
_NEGATED = re.compile(r"not\s*(?=\()", re.IGNORECASE)
_NAMES = ("rule", "macro", "list")

Item = Mapping[str, Any]


class Portion(msgspec.Struct, frozen=True, order=True):
    """A part of an item: a key, and where it has several parts, which."""

    key: str
    number: int = -1
    row: int = -1
    """Of the values of an exception."""


class Joined(msgspec.Struct, frozen=True):
    """A condition as parts that one word joins."""

    word: str
    parts: tuple[str, ...]
    leading: bool
    """Whether the word stands before the first part, too: the text is appended to another."""
    frame: str = "{}"
    """What stands around all of it."""

    def text(self, numbers: Sequence[int]) -> str:
        """The condition with some of the parts."""
        chosen = [self.parts[number] for number in numbers]
        if self.leading:
            return " ".join(f"{self.word} {part}" for part in chosen)
        return self.frame.format(f" {self.word} ".join(chosen))


def portions(item: Item) -> list[Portion]:
    """What can be left out of an item; nothing for one that defines a whole rule."""
    return sorted(found for key in _changed(item) for found in _of_key(item, key))


def _changed(item: Item) -> list[str]:
    """The keys with which an item changes what was defined before."""
    if "rule" not in item:
        return [key for key in ("condition", "items") if key in item]
    if item.get("append") is True:
        return [key for key in ("condition", "exceptions") if key in item]
    return [key for key in mapping(item.get("override")) if key in item]


def _of_key(item: Item, key: str) -> Iterator[Portion]:
    match key:
        case "condition":
            joined = _joined(item)
            yield from (
                (Portion(key, n) for n in range(len(joined.parts))) if joined else [Portion(key)]
            )
        case "items" | "tags":
            yield from (Portion(key, n) for n, _ in enumerate(sequence(item[key])))
        case "exceptions":
            for number, exception in enumerate(sequence(item[key])):
                rows = sequence(mapping(exception).get("values"))
                yield from (Portion(key, number, row) for row in range(max(len(rows), 1)))
        case _:
            yield Portion(key)


def left_out(item: Item, portions: Collection[Portion]) -> list[Operation] | None:
    """The edits, relative to an item, that leave portions out; None where nothing would be left.

    They keep their pointers when applied in order.
    """
    dropped = set(portions)
    gone: list[str] = []
    edits: list[Operation] = []
    for key in _changed(item):
        every = list(_of_key(item, key))
        out = [portion for portion in every if portion in dropped]
        if len(out) == len(every):
            gone.append(key)
        elif out:
            edits += _without(item, key, every, out)
    if len(gone) == len(_changed(item)):
        return None
    return [*edits, *_without_keys(item, gone)]


def _without_keys(item: Item, keys: Sequence[str]) -> Iterator[Operation]:
    overridden = mapping(item.get("override"))
    for key in keys:
        yield Operation("remove", pointer(key))
        if key in overridden:
            yield Operation("remove", pointer("override", key))


def _without(
    item: Item, key: str, every: Sequence[Portion], out: Sequence[Portion]
) -> Iterator[Operation]:
    if key == "condition":
        joined = _joined(item)
        kept = [portion.number for portion in every if portion not in out]
        if joined is not None:
            yield Operation("replace", pointer(key), joined.text(kept))
        return
    if key != "exceptions":
        yield from (Operation("remove", pointer(key, p.number)) for p in reversed(out))
        return
    for number in sorted({portion.number for portion in out}, reverse=True):
        rows = [portion.row for portion in out if portion.number == number]
        if len(rows) == sum(portion.number == number for portion in every):
            yield Operation("remove", pointer(key, number))
        else:
            places = (pointer(key, number, "values", row) for row in reversed(rows))
            yield from (Operation("remove", place) for place in places)


def _joined(item: Item) -> Joined | None:
    """The parts of a condition that can go without a change of what the others mean.

    Of a text that is appended, what each `and` (or each `or`) adds; of a macro, its alternatives.
    """
    text = item.get("condition")
    if not isinstance(text, str):
        return None
    words, parts = _split(text)
    if item.get("append") is True or _appends(item):
        if parts and not parts[0] and len(set(words)) == 1:
            return _each_negated(Joined(words[0], tuple(parts[1:]), leading=True))
        return None
    if "macro" not in item:
        return None
    words, parts = _split(_bare(text))
    frame = "({})" if text.strip().startswith("(") else "{}"
    return Joined("or", tuple(parts), leading=False, frame=frame) if set(words) == {"or"} else None


def _appends(item: Item) -> bool:
    return mapping(item.get("override")).get("condition") == "append"


def _each_negated(joined: Joined) -> Joined:
    """`and not (a or b)` as `and not (a) and not (b)`."""
    if joined.word != "and":
        return joined
    parts: list[str] = []
    for part in joined.parts:
        found = _NEGATED.match(part)
        words, inner = _split(_bare(part[found.end() :])) if found else ([], [])
        parts += [f"not ({one})" for one in inner] if set(words) == {"or"} else [part]
    return Joined("and", tuple(parts), leading=True)


def _bare(text: str) -> str:
    """A text without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _split(text: str) -> tuple[list[str], list[str]]:
    """The words `and` and `or` outside of parentheses and quotes, and what stands between them."""
    words: list[str] = []
    parts: list[str] = []
    start = at = 0
    while at < len(text):
        found = _WORD.match(text, at) if at == 0 or text[at - 1] in " \t\r\n)" else None
        if found:
            words.append(found[1].lower())
            parts.append(text[start:at].strip())
            start = at = found.end()
        elif text[at] in "(\"'":
            at = max(_closing(text, at), at) + 1
        else:
            at += 1
    return words, [*parts, text[start:].strip()]


def _closing(text: str, at: int) -> int:
    """The place of what closes a parenthesis or a quote; -1 where nothing does."""
    depth, quote = 0, ""
    for place in range(at, len(text)):
        char = text[place]
        if quote:
            closes = char == quote and text[place - 1] != "\\"
            quote = "" if closes else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
        if not depth and not quote:
            return place
    return -1
