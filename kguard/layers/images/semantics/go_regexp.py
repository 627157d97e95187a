# SPDX-License-Identifier: Apache-2.0
r"""Does a Go regular expression match, in linear time?

Authority: Go's regexp/syntax (RE2). Python's `re` backtracks, so that an expression out of a
hostile policy could run for years, and reads some expressions differently. What this small
automaton does not know (the flag `m`, `\\b`, POSIX and Unicode classes) is not judged at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

MAX_LENGTH = 2000
MAX_DEPTH = 50
MAX_STATES = 5000
MAX_COUNT = 1000
"""Go's own limit of a counted repeat."""

Test = Callable[[str], bool]
_Fragment = tuple[int, list[tuple[int, int]]]
"""The first state, and the exits (state, slot) that still lead nowhere."""


class UnknownExpressionError(ValueError):
    """The expression is invalid, too large, or uses what is not known here."""


class Expression:
    """A compiled expression."""

    def __init__(self, text: str) -> None:
        builder = _Builder(text)
        self._start = builder.finish()
        self._states = builder.states

    def matches(self, value: str) -> bool:
        """Whether it matches anywhere in a text, as `regexp.MatchString`."""
        current: set[int] = set()
        for place in range(len(value) + 1):
            current = self._closed({*current, self._start}, place, len(value))
            if _ACCEPT in current:
                return True
            if place < len(value):
                current = self._step(current, value[place])
        return False

    def _closed(self, states: set[int], place: int, size: int) -> set[int]:
        """All states that are reached without reading a character."""
        todo, seen = list(states), set[int]()
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            if state != _ACCEPT:
                todo += self._states[state].free(place, size)
        return seen

    def _step(self, states: set[int], character: str) -> set[int]:
        return {
            state.next[0]
            for number in states
            if number != _ACCEPT
            and (state := self._states[number]).test is not None
            and state.test(character)
        }


_ACCEPT = -1


class _State:
    """A state: with a test it reads a character, with a guard it asks for a place."""

    __slots__ = ("guard", "next", "test")

    def __init__(self, *, exits: int, test: Test | None = None, guard: str = "") -> None:
        self.test = test
        self.guard = guard
        self.next = [_ACCEPT] * exits

    def free(self, place: int, size: int) -> list[int]:
        """The states that follow without reading."""
        if self.test is not None:
            return []
        holds = {"": True, "^": place == 0, "$": place == size}[self.guard]
        return self.next if holds else []


class _Builder:
    """A recursive-descent parser that builds the automaton (Thompson's construction)."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise UnknownExpressionError("the expression is too long")
        self.text = text
        self.place = 0
        self.states: list[_State] = []
        self._flags = frozenset[str]()

    def finish(self) -> int:
        """The first state of the whole expression."""
        start, exits = self._alternatives(0)
        if self.place < len(self.text):
            raise UnknownExpressionError("a parenthesis is closed that was not opened")
        self._join(exits, _ACCEPT)
        return start

    def _add(self, state: _State) -> int:
        if len(self.states) >= MAX_STATES:
            raise UnknownExpressionError("the expression is too large")
        self.states.append(state)
        return len(self.states) - 1

    def _join(self, exits: list[tuple[int, int]], target: int) -> None:
        for state, slot in exits:
            self.states[state].next[slot] = target

    def _peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise UnknownExpressionError("the expression ends too early")
        self.place += 1
        return character

    def _alternatives(self, depth: int) -> _Fragment:
        if depth > MAX_DEPTH:
            raise UnknownExpressionError("the expression is nested too deeply")
        start, exits = self._sequence(depth)
        while self._peek() == "|":
            self.place += 1
            other, more = self._sequence(depth)
            fork = self._add(_State(exits=2))
            self.states[fork].next = [start, other]
            start, exits = fork, exits + more
        return start, exits

    def _sequence(self, depth: int) -> _Fragment:
        start, exits = self._empty()
        while self._peek() not in ("", "|", ")"):
            other, more = self._repeated(depth)
            self._join(exits, other)
            exits = more
        return start, exits

    def _empty(self) -> _Fragment:
        state = self._add(_State(exits=1))
        return state, [(state, 0)]

    def _repeated(self, depth: int) -> _Fragment:
        begin = self.place
        fragment = self._atom(depth)
        end = self.place
        low, high = self._counts()
        if (low, high) == (1, 1):
            return fragment
        after = self.place
        found = self._counted(fragment, low, high, lambda: self._again(begin, end, depth))
        self.place = after
        if self._peek() in ("*", "+", "?") or re.match(r"\{\d", self.text[self.place :]):
            raise UnknownExpressionError("a repeat of a repeat")
        return found

    def _again(self, begin: int, end: int, depth: int) -> _Fragment:
        """A further copy of an atom."""
        self.place = begin
        found = self._atom(depth)
        self.place = end
        return found

    def _counts(self) -> tuple[int, int | None]:
        """How often the atom before is repeated; None is without end."""
        match = re.compile(r"([*+?])|\{(\d+)(,?)(\d*)\}").match(self.text, self.place)
        if match is None:
            return 1, 1
        self.place = match.end()
        if self._peek() == "?":
            self.place += 1
        if match[1]:
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
        low = int(match[2])
        high = int(match[4]) if match[4] else None if match[3] else low
        if low > MAX_COUNT or (high is not None and not low <= high <= MAX_COUNT):
            raise UnknownExpressionError("a repeat is out of range")
        return low, high

    def _counted(
        self, first: _Fragment, low: int, high: int | None, again: Callable[[], _Fragment]
    ) -> _Fragment:
        start, exits = self._empty()
        copies = max(low, 1) if high is None else high
        leave: list[tuple[int, int]] = []
        fragment = first
        for number in range(copies):
            fragment = first if number == 0 else again()
            if number >= low:
                fork = self._add(_State(exits=2))
                self.states[fork].next[0] = fragment[0]
                leave.append((fork, 1))
                self._join(exits, fork)
            else:
                self._join(exits, fragment[0])
            exits = fragment[1]
        if high is None:
            loop = self._add(_State(exits=2))
            self.states[loop].next[0] = fragment[0]
            self._join(exits, loop)
            exits = [(loop, 1)]
        return start, exits + leave

    def _atom(self, depth: int) -> _Fragment:
        character = self._take()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return self._one(self._class())
            case "^" | "$":
                state = self._add(_State(exits=1, guard=character))
                return state, [(state, 0)]
            case ".":
                return self._one(_anything if "s" in self._flags else lambda c: c != "\n")
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise UnknownExpressionError("nothing to repeat")
        return self._one(self._letter(lambda c: c == character))

    def _letter(self, test: Test) -> Test:
        """A test for characters, without regard to case where the flag `i` counts."""
        return _folded(test) if "i" in self._flags else test

    def _one(self, test: Test) -> _Fragment:
        state = self._add(_State(exits=1, test=test))
        return state, [(state, 0)]

    def _group(self, depth: int) -> _Fragment:
        """A group; flags count to its end, or without a colon to the end of the one around it."""
        outside = self._flags
        if self._peek() == "?":
            match = _GROUP.match(self.text, self.place)
            if match is None:
                raise UnknownExpressionError("a group of an unknown kind")
            self.place = match.end()
            self._flags = (outside | {*(match[1] or "")}) - {*(match[2] or "")}
            if match[3] == ")":
                return self._directive()
        found = self._alternatives(depth + 1)
        self._flags = outside
        if self._take() != ")":
            raise UnknownExpressionError("a parenthesis is not closed")
        return found

    def _directive(self) -> _Fragment:
        if self._peek() in ("*", "+", "?", "{"):
            raise UnknownExpressionError("nothing to repeat")
        return self._empty()

    def _escaped(self) -> _Fragment:
        character = self._take()
        if character in ("A", "z"):
            guard = "^" if character == "A" else "$"
            state = self._add(_State(exits=1, guard=guard))
            return state, [(state, 0)]
        return self._one(_escape(character))

    def _class(self) -> Test:
        negated = self._peek() == "^"
        self.place += negated
        tests: list[Test] = []
        while self._peek() != "]" or not tests:
            tests.append(self._letter(self._member()))
        self.place += 1
        return lambda c: any(test(c) for test in tests) != negated

    def _member(self) -> Test:
        low = self._take()
        if low == "[" and self._peek() == ":":
            raise UnknownExpressionError("named classes are not known")
        if low == "\\":
            letter = self._take()
            if letter in _CLASSES:
                return _CLASSES[letter]
            low = _plain(letter)
        if self._peek() != "-" or self.text[self.place + 1 : self.place + 2] == "]":
            return lambda c: c == low
        self.place += 1
        high = self._take()
        high = _plain(self._take()) if high == "\\" else high
        if high < low:
            raise UnknownExpressionError("a range runs backwards")
        return lambda c: low <= c <= high


_GROUP = re.compile(r"\?(?:P?<\w+>|([isU]*)(?:-([isU]+))?([:)]))", re.ASCII)


def _anything(_: str) -> bool:
    return True


def _folded(test: Test) -> Test:
    """The test without regard to case (RE2's simple folding)."""
    return lambda c: any(test(form) for form in (c, c.lower(), c.upper()))


def _ascii(pattern: str) -> Test:
    compiled = re.compile(pattern, re.ASCII)
    return lambda c: bool(compiled.match(c))


_CLASSES: dict[str, Test] = {
    letter: _ascii(pattern)
    for letter, pattern in (
        ("d", "[0-9]"),
        ("D", "[^0-9]"),
        ("w", "[0-9A-Za-z_]"),
        ("W", "[^0-9A-Za-z_]"),
        ("s", r"[\t\n\f\r ]"),
        ("S", r"[^\t\n\f\r ]"),
    )
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


def _escape(letter: str) -> Test:
    if letter in _CLASSES:
        return _CLASSES[letter]
    plain = _plain(letter)
    return lambda c: c == plain


def _plain(letter: str) -> str:
    """The character that an escape stands for; only punctuation may be escaped at will."""
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if letter.isalnum() or letter == "_" or not letter.isascii():
        raise UnknownExpressionError(f"\\{letter} is not known")
    return letter


@lru_cache(1024)
def compile_expression(text: str) -> Expression | None:
    """A Go regular expression, or None where it is not judged."""
    try:
        return Expression(text)
    except UnknownExpressionError:
        return None


def alternatives(text: str) -> Iterator[str]:
    """The branches of an expression that `|` separates outside of groups and classes."""
    depth, begin, place, inside = 0, 0, 0, False
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 1
        elif inside:
            inside = character != "]"
        elif character == "[":
            inside = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            yield text[begin:place]
            begin = place + 1
        place += 1
    yield text[begin:]
