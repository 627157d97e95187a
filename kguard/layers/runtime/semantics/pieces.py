# SPDX-License-Identifier: Apache-2.0
"""Can a text with these pieces exist that has none of those that are ruled out?

Only pieces that imply one another are seen: a path that begins with /etc/ssh/ begins with /etc/
and contains ssh. Authority: the string comparisons of falcosecurity/libs
userspace/libsinsp/filter_compare.cpp and of prefix_search.h (`pmatch`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

PIECES = ("startswith", "endswith", "contains", "icontains")
"""Operators that ask for a piece of a text."""

_GLOB = frozenset("*?[]\\")


class Pieces(msgspec.Struct, frozen=True):
    """What a text must hold."""

    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    """Pieces whatever their case, in lower case."""

    def having(self, op: str, text: str) -> Pieces:
        """These pieces and one more."""
        match op:
            case "startswith":
                return msgspec.structs.replace(self, starts=(*self.starts, text))
            case "endswith":
                return msgspec.structs.replace(self, ends=(*self.ends, text))
            case "contains":
                return msgspec.structs.replace(self, inside=(*self.inside, text))
            case _:
                return msgspec.structs.replace(self, folded=(*self.folded, text.lower()))

    def possible(self, barred: Iterable[tuple[str, str]]) -> bool:
        """Whether the pieces fit together and imply nothing that is ruled out."""
        start = max(self.starts, key=len, default="")
        end = max(self.ends, key=len, default="")
        if not all(start.startswith(one) for one in self.starts):
            return False
        if not all(end.endswith(one) for one in self.ends):
            return False
        return not any(self._implies(op, text) for op, text in barred)

    def _implies(self, op: str, text: str) -> bool:
        """Whether every text with these pieces meets a comparison."""
        match op:
            case "startswith":
                return any(start.startswith(text) for start in self.starts)
            case "endswith":
                return any(end.endswith(text) for end in self.ends)
            case "contains":
                return any(text in piece for piece in (*self.starts, *self.ends, *self.inside))
            case "icontains":
                pieces = (*self.starts, *self.ends, *self.inside, *self.folded)
                return any(text.lower() in piece.lower() for piece in pieces)
            case "glob":
                return self._globbed(text)
            case "pmatch":
                return self._below(text)
            case _:
                return False

    def _globbed(self, pattern: str) -> bool:
        """Patterns of a fixed text with a star before, behind or on both sides."""
        text = pattern.strip("*")
        if not text or not _GLOB.isdisjoint(text):
            return False
        front, back = pattern.startswith("*"), pattern.endswith("*")
        if front and back:
            return self._implies("contains", text)
        if back:
            return self._implies("startswith", text)
        return front and self._implies("endswith", text)

    def _below(self, path: str) -> bool:
        plain = _GLOB.isdisjoint(path)
        return plain and self._implies("startswith", f"{path.rstrip('/')}/")
