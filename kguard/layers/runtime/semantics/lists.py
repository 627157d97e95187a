# SPDX-License-Identifier: Apache-2.0
"""What stands in a condition after Falco has put the lists into it?

Authority: falcosecurity/falco userspace/engine/rule_loader_compiler.cpp (`compile_list_infos`,
`resolve_list`): text substitution, wherever a list's name stands between delimiters, in the order
in which the lists were first defined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kguard.layers.runtime.semantics.definitions import ListInfo
from kguard.layers.runtime.semantics.exceptions import quote
from kguard.layers.runtime.semantics.lexer import ConditionError, Position

MAX_LENGTH = 256 * 1024
"""Characters of a condition with its lists; the engine has no limit but memory."""
MAX_TOTAL = 8 * 1024 * 1024
"""Characters of all conditions of a ruleset with their lists."""

_BLANKS = " \t\n\r"
_DELIMITERS = f"{_BLANKS}(),="
_WORDS = re.compile(r"[^ \t\n\r(),=]+")


class ListSubstitution:
    """Puts lists into conditions and notes which are used."""

    def __init__(self, lists: Mapping[str, ListInfo]) -> None:
        self.used: set[str] = set()
        self.total = 0
        self.compiled = {info.name: list(self._items(info, lists)) for info in lists.values()}
        self._texts = {
            name: ", ".join(quote(item) for item in items) for name, items in self.compiled.items()
        }
        self._order = {name: number for number, name in enumerate(self._texts)}
        self._odd = [name for name in self._texts if not _WORDS.fullmatch(name)]

    def _items(self, info: ListInfo, lists: Mapping[str, ListInfo]) -> list[str]:
        found: list[str] = []
        for item in info.items:
            inner = lists.get(item)
            if inner is None or inner.index >= info.visibility:
                found.append(item)
                continue
            self.used.add(item)
            found.extend(inner.items)
        return found

    def apply(self, condition: str) -> str:
        """The condition with every list written out.

        Raises:
            ConditionError: it, or everything so far, is too long.
        """
        last = -1
        words = set(_WORDS.findall(condition[: MAX_LENGTH + 1]))
        while (name := self._next(words, condition, last)) is not None:
            _check_length(len(condition), MAX_LENGTH)
            last = self._order[name]
            text = self._texts[name]
            condition, used = substitute(condition, name, text)
            if used:
                self.used.add(name)
                words.update(_WORDS.findall(text))
        _check_length(len(condition), MAX_LENGTH)
        self.total += len(condition)
        _check_length(self.total, MAX_TOTAL)
        return condition

    def _next(self, words: set[str], condition: str, last: int) -> str | None:
        """The next list in order whose name stands in the condition."""
        order = self._order
        found = [name for name in words if order.get(name, -1) > last]
        found += [name for name in self._odd if order[name] > last and name in condition]
        return min(found, key=order.__getitem__, default=None)


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        message = f"with their lists, conditions grow beyond {limit} characters"
        raise ConditionError(message, Position(0, 1, 1), beyond_limit=True)


def substitute(condition: str, name: str, text: str) -> tuple[str, bool]:
    """Put one list into a condition: the new text, and whether the list was used."""
    done: list[str] = []
    at = search = 0
    while (start := condition.find(name, search)) >= 0:
        end = start + len(name)
        if not _stands_alone(condition, start, end, after_list=start == at and bool(done)):
            search = start + 1
            continue
        _keep(done, condition[at:start])
        while condition[end : end + 1] and condition[end] in _BLANKS:
            end += 1
        if not text:
            end = _drop_comma(done, condition, end)
        at = end
        search = end if done else end + 1
        done.append(f" {text} " if done else f"{text} ")
    used = bool(done)
    done.append(condition[at:])
    return "".join(done), used


def _stands_alone(condition: str, start: int, end: int, *, after_list: bool) -> bool:
    before = after_list or start == 0 or condition[start - 1] in _DELIMITERS
    return before and (end >= len(condition) or condition[end] in _DELIMITERS)


def _keep(done: list[str], piece: str) -> None:
    """Keep what stands before the name, without the blanks at its end."""
    piece = piece.rstrip(_BLANKS)
    if piece:
        done.append(piece)
    elif done:
        done[-1] = done[-1].rstrip(_BLANKS)


def _drop_comma(done: list[str], condition: str, end: int) -> int:
    if done and done[-1].endswith(","):
        done[-1] = done[-1][:-1]
    elif condition[end : end + 1] == ",":
        return end + 1
    return end
