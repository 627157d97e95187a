# SPDX-License-Identifier: Apache-2.0
"""Which token stands at the cursor of a Falco condition?

Authority: falcosecurity/libs userspace/libsinsp/filter/parser.cpp (the `lex_*` functions and their
POSIX classes) and escaping.cpp (`unescape_str`). Offsets are bytes of UTF-8, as the engine counts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

UNARY_OPERATORS = ("exists",)
NUMBER_OPERATORS = ("<=", "<", ">=", ">")
SYMBOL_OPERATORS = ("==", "=", "!=")
WORD_OPERATORS = (
    *("glob", "iglob", "contains", "icontains", "bcontains"),
    *("startswith", "bstartswith", "endswith", "regex"),
)
LIST_OPERATORS = ("intersects", "in", "pmatch")
OPERATORS = (
    *UNARY_OPERATORS,
    *NUMBER_OPERATORS,
    *SYMBOL_OPERATORS,
    *WORD_OPERATORS,
    *LIST_OPERATORS,
)
"""In the order in which the engine tries and prints them."""
MODIFIERS = ("oneof", "anyof", "allof")
TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")

_SPACE = r"\t\n\v\f\r "
IDENTIFIER = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
FIELD_NAME = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
BARE_STRING = re.compile(rf"[^()\"'{_SPACE}=,]+")
BARE_ARGUMENT = re.compile(rf"[^\]\[\"'{_SPACE}]+")
NOT_BLANK = re.compile(rf"not[{_SPACE}]+")
HEXADECIMAL = re.compile(r"0[xX][0-9a-zA-Z]+")
NUMBER = re.compile(r"[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?")
_MODIFIER = re.compile(rf"({'|'.join(MODIFIERS)})[ \t\b\r\n]+(?=\(|([a-zA-Z][a-zA-Z0-9_]*))")
_BLANKS = " \t\b\r\n"
_UNESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", " ": "\\", "\\": "\\"}
_UNESCAPED["/"] = "/"


class Position(NamedTuple):
    """A place in a condition: byte offset from 0, line and column from 1."""

    offset: int
    line: int
    column: int


class ConditionError(Exception):
    """The engine refuses the condition, with its own message.

    `beyond_limit`: it is kguard that gives up, and nobody knows what the engine would do.
    """

    def __init__(self, message: str, position: Position, *, beyond_limit: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.beyond_limit = beyond_limit


class Lexer:
    """A cursor over a condition. `last` is the token that error messages quote."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.last = ""

    def error(self, message: str) -> ConditionError:
        """An error at the cursor."""
        return ConditionError(message, self.position())

    def position(self) -> Position:
        """Where the cursor is; both line breaks count, as in the engine."""
        before = self.text[: self.at]
        lines = re.split(r"[\r\n]", before)
        return Position(len(before.encode()), len(lines), len(lines[-1].encode()) + 1)

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.at >= len(self.text)

    def blank(self) -> bool:
        """Skip blanks; the only step that leaves `last` alone."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in _BLANKS:
            self.at += 1
        return self.at > start

    def literal(self, token: str) -> bool:
        """Read an exact token."""
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        self.last = token
        return True

    def pattern(self, expression: re.Pattern[str]) -> bool:
        """Read what the expression matches."""
        found = expression.match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        self.last = found.group()
        return True

    def any_of(self, tokens: tuple[str, ...]) -> bool:
        """Read the first of the tokens that stands here."""
        return any(self.literal(token) for token in tokens)

    def word_operator(self) -> bool:
        """Read an operator that is a word: a blank must follow, and is read too."""
        start = self.at
        for word in WORD_OPERATORS:
            if self.literal(word):
                if self.blank():
                    return True
                self.at = start
        return False

    def modifier(self) -> bool:
        """Read `oneof` and the like, but only where a list or its name follows."""
        found = _MODIFIER.match(self.text, self.at)
        if found is None or found.group(2) in ("and", "or", "not"):
            return False
        self.last = found.group(1)
        self.at += len(self.last)
        return True

    def transformer(self) -> str:
        """Read the name of a transformer and its parenthesis; empty if there is none."""
        for name in TRANSFORMERS:
            if self.literal(f"{name}("):
                self.last = name
                return name
        return ""

    def number(self) -> bool:
        """Read a number."""
        return self.pattern(HEXADECIMAL) or self.pattern(NUMBER)

    def quoted(self) -> bool:
        """Read a quoted string: it closes at its quote unless a backslash stands before.

        Raises:
            ConditionError: an escape that the engine does not know.
        """
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            return False
        end = self._closing(quote)
        if end < 0:
            self.last = self.text[self.at :]
            return False
        body = self.text[self.at + 1 : end]
        self.at = end + 1
        self.last = self._unescape(body, quote)
        return True

    def _closing(self, quote: str) -> int:
        end = self.text.find(quote, self.at + 1)
        while end > 0 and self.text[end - 1] == "\\":
            end = self.text.find(quote, end + 1)
        return end

    def _unescape(self, body: str, quote: str) -> str:
        pieces: list[str] = []
        escaped = False
        for char in body:
            if escaped:
                pieces.append(self._unescaped(char, quote))
                escaped = False
            elif char == "\\":
                escaped = True
            else:
                pieces.append(char)
        return "".join(pieces)

    def _unescaped(self, char: str, quote: str) -> str:
        if char in ("'", '"'):
            if char != quote:
                raise self.error(f"invalid \\{char} escape in {quote}-quoted string")
            return char
        if char not in _UNESCAPED:
            raise self.error(f"unsupported string escape sequence: \\{char}")
        return _UNESCAPED[char]
