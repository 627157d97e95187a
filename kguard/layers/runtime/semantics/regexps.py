# SPDX-License-Identifier: Apache-2.0
r"""Does the engine take a regular expression, and what does it complain of?

Authority: falcosecurity/libs userspace/libsinsp/sinsp_filtercheck.cpp compiles the values of
`regex` with `RE2::POSIX`; google/re2 re2/parse.cc says what that takes. Of Perl's additions nothing
is left then: `\d`, `\b`, `(?i)` and `\pL` are refused, `a*?` is two repetitions. What only becomes
too large once it is compiled is not told.
"""

from __future__ import annotations

import re
from string import hexdigits

MAX_REPEAT = 1000
"""RE2's limit of counted repetitions, nested ones multiplied."""

_COUNTED = re.compile(r"\{(0|[1-9]\d{0,8})(?:(,)(0|[1-9]\d{0,8})?)?\}", re.ASCII)
_POSIX_NAME = re.compile(r"\[:(.*?):\]", re.DOTALL)
_NAMES = frozenset(
    {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct"}
    | {"space", "upper", "word", "xdigit"}
)
_ESCAPE = re.compile(
    r"\\(?:[^\w\x80-\U0010ffff]|_|[1-7][0-7]{1,2}|0[0-7]{0,2}|[nrtafv]"
    r"|x[0-9a-fA-F]{2}|x\{0*(?:10|[0-9a-fA-F])?[0-9a-fA-F]{1,4}\})",
    re.ASCII,
)
_TOO_LARGE = 0x110000
_NO_RUNE = "invalid UTF-8"
"""What RE2 says where it asks for one more letter and there is none."""
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "f": "\f", "v": "\v"}


class InvalidError(ValueError):
    """RE2 refuses the expression; its words."""


def complaint(pattern: str) -> str:
    """What RE2 says against an expression in POSIX syntax; empty where it takes it."""
    try:
        _Reader(pattern).read()
    except InvalidError as error:
        return str(error)
    return ""


class _Reader:
    """Reads an expression from left to right; only what can be wrong is kept."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.groups: list[int] = []
        """For each open group, the largest product of repetitions in it so far."""
        self.widest = 1
        self.last = 0
        """The product of repetitions of what was read last; 0 where nothing can be repeated."""

    def read(self) -> None:
        while self.at < len(self.text):
            match self.text[self.at]:
                case "(":
                    self._open()
                case ")":
                    self._close()
                case "|":
                    self.at, self.last = self.at + 1, 0
                case "*" | "+" | "?" as sign:
                    self._repeat(sign, 1)
                case "{":
                    self._count()
                case "[":
                    self._class()
                    self._took(self.at)
                case "\\":
                    self._escape()
                    self._took(self.at)
                case _:
                    self._took(self.at + 1)
        if self.groups:
            raise InvalidError(f"missing ): {self.text}")

    def _took(self, end: int, product: int = 1) -> None:
        self.at, self.last = end, product
        self.widest = max(self.widest, product)

    def _open(self) -> None:
        self.groups.append(self.widest)
        self.at, self.widest, self.last = self.at + 1, 1, 0

    def _close(self) -> None:
        if not self.groups:
            raise InvalidError(f"unexpected ): {self.text}")
        product, self.widest = self.widest, self.groups.pop()
        self._took(self.at + 1, product)

    def _repeat(self, sign: str, times: int) -> None:
        if not self.last:
            raise InvalidError(f"no argument for repetition operator: {sign}")
        product = self.last * max(times, 1)
        if times > 1 and product > MAX_REPEAT:
            raise InvalidError(f"invalid repetition size: {sign}")
        self._took(self.at + len(sign), product)

    def _count(self) -> None:
        found = _COUNTED.match(self.text, self.at)
        if found is None:
            self._took(self.at + 1)
            return
        least = int(found[1])
        most = int(found[3]) if found[3] else least
        if most < least or most > MAX_REPEAT:
            raise InvalidError(f"invalid repetition size: {found[0]}")
        self._repeat(found[0], most)

    def _escape(self) -> str:
        """Read an escaped letter; returns it."""
        found = _ESCAPE.match(self.text, self.at)
        if found is None:
            if self.at + 1 == len(self.text):
                raise InvalidError("trailing \\")
            raise InvalidError(f"invalid escape sequence: {_read(self.text, self.at)}")
        self.at = found.end()
        return _letter(found[0][1:])

    def _class(self) -> None:
        start = self.at
        self.at += 2 if self.text.startswith("[^", start) else 1
        first = True
        while self.at < len(self.text) and (first or self.text[self.at] != "]"):
            self._member(start, first=first)
            first = False
        if self.at >= len(self.text):
            raise InvalidError(f"missing ]: {self.text[start:]}")
        self.at += 1

    def _member(self, start: int, *, first: bool) -> None:
        """One letter, range or named class; a bare `-` only comes first or last."""
        if self.text[self.at] == "-" and not first and self.text[self.at + 1 : self.at + 2] != "]":
            range_ = self.text[self.at : self.at + 2]
            raise InvalidError(
                f"invalid character class range: {range_}" if range_[1:] else _NO_RUNE
            )
        named = _POSIX_NAME.match(self.text, self.at)
        if named is not None:
            if named[1].removeprefix("^") not in _NAMES:
                raise InvalidError(f"invalid character class range: {named[0]}")
            self.at = named.end()
            return
        begin = self.at
        low = self._letter(start)
        if self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in (
            "",
            "]",
        ):
            self.at += 1
            if self._letter(start) < low:
                wrong = self.text[begin : self.at]
                raise InvalidError(f"invalid character class range: {wrong}")

    def _letter(self, start: int) -> str:
        if self.at >= len(self.text):
            raise InvalidError(f"missing ]: {self.text[start:]}")
        if self.text[self.at] == "\\":
            return self._escape()
        self.at += 1
        return self.text[self.at - 1]


def _letter(escaped: str) -> str:
    if escaped[0] == "x":
        return chr(int(escaped[1:].strip("{}"), 16))
    if escaped[0].isdigit():
        return chr(int(escaped, 8))
    return _LETTERS.get(escaped, escaped)


def _read(text: str, at: int) -> str:
    """As much of a wrong escape as RE2 has read when it gives up."""
    if not text.startswith("\\x{", at):
        return text[at : at + (4 if text.startswith("\\x", at) else 2)]
    end, code = at + 3, 0
    if end == len(text):
        raise InvalidError(_NO_RUNE)
    while text[end] in hexdigits:
        code, end = code * 16 + int(text[end], 16), end + 1
        if code >= _TOO_LARGE or end == len(text):
            return text[at:end]
    return text[at : end + 1]
