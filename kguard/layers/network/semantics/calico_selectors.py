# SPDX-License-Identifier: Apache-2.0
"""What does a selector in Calico's language mean?

Authority: projectcalico/calico libcalico-go/lib/selector/tokenizer/tokenizer.go and
libcalico-go/lib/selector/parser/parser.go of a0db560f0520, with which this module agrees on random
selectors (tests/conformance/calico_selectors), odd ones included: keywords need no space after
them, an empty set is allowed, strings know no escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from kguard.layers.network.semantics.expressions import (
    EVERYTHING,
    And,
    Condition,
    Expression,
    Not,
    Operator,
    Or,
)

MAX_DEPTH = 100
"""Nested parentheses; more are refused rather than followed."""

_Kind = Literal["label", "text", "has", "all", "global", "operator", "mark", "end"]
_S = r"[\t\n\f\r ]*"
_LABEL = r"[a-zA-Z0-9_./-]{1,512}"
_HAS = re.compile(rf"has\({_S}({_LABEL}){_S}\)", re.ASCII)
_WORDS: tuple[tuple[_Kind, re.Pattern[str]], ...] = (
    ("all", re.compile(rf"all\({_S}\)")),
    ("global", re.compile(rf"global\({_S}\)")),
)
_IDENTIFIER = re.compile(_LABEL)
_OPERATORS: tuple[tuple[Operator, re.Pattern[str]], ...] = (
    ("contains", re.compile("contains")),
    ("starts with", re.compile(rf"starts{_S}with")),
    ("ends with", re.compile(rf"ends{_S}with")),
    ("not in", re.compile(rf"not{_S}in\b", re.ASCII)),
    ("in", re.compile(r"in\b", re.ASCII)),
)
_MARKS = ("(", ")", "{", "}", ",", "==", "!=", "&&", "||", "!")


class SelectorError(ValueError):
    """Calico would refuse the selector."""


class _Token(msgspec.Struct, frozen=True):
    kind: _Kind
    text: str


class Meaning(msgspec.Struct, frozen=True):
    """What conditions on labels (of pods, as parsed), `all()` and `global()` mean in a place."""

    condition: Callable[[Condition], Expression]
    everything: Expression = EVERYTHING
    outside: Expression = EVERYTHING


PLAIN = Meaning(lambda found: found)


def parse(text: str, meaning: Meaning = PLAIN) -> Expression:
    """Parse a selector; an empty one selects everything.

    Raises:
        SelectorError: Calico would refuse it.
    """
    tokens = _tokens(text)
    if tokens[0].kind == "end":
        return EVERYTHING
    parser = _Parser(tokens, meaning)
    found = parser.either(0)
    if parser.next.kind != "end":
        raise SelectorError(f"unexpected {parser.next.text!r} at the end of {text!r}")
    return found


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    while rest := text.lstrip(" \t"):
        token, size = _token(rest, after_label=bool(found) and found[-1].kind == "label")
        found.append(token)
        text = rest[size:]
    return [*found, _Token("end", "")]


def _token(text: str, *, after_label: bool) -> tuple[_Token, int]:
    if text[0] in "\"'":
        end = text.find(text[0], 1)
        if end < 0:
            raise SelectorError("unterminated string")
        return _Token("text", text[1:end]), end + 1
    for mark in _MARKS:
        if text.startswith(mark):
            return _Token("mark", mark), len(mark)
    if after_label:
        for operator, pattern in _OPERATORS:
            if match := pattern.match(text):
                return _Token("operator", operator), match.end()
        raise SelectorError(f"expected an operator instead of {text!r}")
    return _word(text)


def _word(text: str) -> tuple[_Token, int]:
    if match := _HAS.match(text):
        return _Token("has", match[1]), match.end()
    for kind, pattern in _WORDS:
        if match := pattern.match(text):
            return _Token(kind, match[0]), match.end()
    if match := _IDENTIFIER.match(text):
        return _Token("label", match[0]), match.end()
    raise SelectorError(f"unexpected characters {text!r}")


class _Parser:
    """Recursive descent: `||` binds less than `&&`, and both less than `!`."""

    def __init__(self, tokens: list[_Token], meaning: Meaning) -> None:
        self._tokens = tokens
        self._place = 0
        self._meaning = meaning

    @property
    def next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self, mark: str) -> bool:
        if self.next != _Token("mark", mark):
            return False
        self._place += 1
        return True

    def _expect(self, kind: _Kind, what: str) -> str:
        token = self.next
        if token.kind != kind:
            raise SelectorError(f"expected {what} instead of {token.text!r}")
        self._place += 1
        return token.text

    def either(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._take("||"):
            parts.append(self._all(depth))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _all(self, depth: int) -> Expression:
        parts = [self._operation(depth)]
        while self._take("&&"):
            parts.append(self._operation(depth))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _operation(self, depth: int) -> Expression:
        negated = False
        while self._take("!"):
            negated = not negated
        found = self._plain(depth)
        return Not(found) if negated else found

    def _plain(self, depth: int) -> Expression:
        if self._take("("):
            if depth >= MAX_DEPTH:
                raise SelectorError("too many nested parentheses")
            found = self.either(depth + 1)
            if not self._take(")"):
                raise SelectorError("expected )")
            return found
        token = self.next
        self._place += 1
        match token.kind:
            case "has":
                return self._meaning.condition(Condition("pod", token.text, "has"))
            case "all":
                return self._meaning.everything
            case "global":
                return self._meaning.outside
            case "label":
                return self._meaning.condition(self._condition(token.text))
            case _:
                raise SelectorError(f"unexpected {token.text or 'end'!r}")

    def _condition(self, label: str) -> Condition:
        if self._take("=="):
            return Condition("pod", label, "==", (self._expect("text", "a string"),))
        if self._take("!="):
            return Condition("pod", label, "!=", (self._expect("text", "a string"),))
        operator = self._expect("operator", "an operator")
        if operator == "in":
            return Condition("pod", label, "in", self._set())
        if operator == "not in":
            return Condition("pod", label, "not in", self._set())
        return _with_text(label, operator, self._expect("text", "a string"))

    def _set(self) -> tuple[str, ...]:
        if not self._take("{"):
            raise SelectorError("expected a set")
        values = []
        while self.next.kind == "text":
            values.append(self._expect("text", "a string"))
            if not self._take(","):
                break
        if not self._take("}"):
            raise SelectorError("expected }")
        return tuple(sorted(set(values)))


def _with_text(label: str, operator: str, value: str) -> Condition:
    if operator == "contains":
        return Condition("pod", label, "contains", (value,))
    return Condition("pod", label, "starts with" if operator[0] == "s" else "ends with", (value,))
