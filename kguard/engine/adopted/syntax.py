# SPDX-License-Identifier: Apache-2.0
"""Which rules does a module of Rego define, and how is it written in Rego v1?

Policies of conftest and Gatekeeper are often Rego v0 (`deny[msg] { ... }`), which an OPA server
of today refuses. Only heads differ: what v0 means is written with `contains` and `if`, line by
line, and functions that v1 has no more are called in a module of our own. Authority: the guide
"Upgrading to v1.0" of openpolicyagent.org, and ast/parser.go of OPA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

SHIM_PACKAGE = "kguard_rego_v0"
SHIM = f"""package {SHIM_PACKAGE}

any(values) if {{
	some value in values
	value == true
}} else := false

all(values) if {{
	every value in values {{
		value == true
	}}
}} else := false

re_match(pattern, value) := regex.match(pattern, value)

set_diff(one, other) := one - other
"""
"""What v1 has no more, for modules that were written for v0."""

_REMOVED = frozenset({"any", "all", "re_match", "set_diff"})
_TOKEN = re.compile(
    r"(?P<blank>\s+|#[^\n]*)"
    r'|(?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`)'
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<sign>:=|[=!<>]=|.)",
    re.DOTALL,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_INFIX = frozenset(["+", "-", "*", "/", "%", "&", "|", "==", "!=", "<", ">", "<=", ">=", "in"])

Kind = Literal["set", "value", "function"]


class Head(msgspec.Struct, frozen=True):
    """One rule as its head says it."""

    name: str
    kind: Kind
    line: int


class Syntax(msgspec.Struct, frozen=True):
    """A module, in Rego v1."""

    package: str
    text: str
    heads: tuple[Head, ...]
    references: frozenset[str]
    """What stands behind `data.`, such as `lib.labels` or `inventory`."""
    inputs: frozenset[str]
    """What stands behind `input.`, such as `review.object`."""
    calls: frozenset[str]
    """The functions that are called, such as `http.send`."""
    shim: bool
    """Whether it calls functions of `SHIM`."""


class _Token(msgspec.Struct, eq=False):
    kind: str
    text: str
    line: int
    glued: bool = False
    """Whether nothing stands in front of it: an index or the arguments of a call."""


def syntax(text: str) -> Syntax:
    """The rules of a module, and its text in v1; a text that is v1 already stays as it is."""
    tokens = list(_tokens(text))
    reader = _Rules([token for token in tokens if token.kind != "blank"])
    reader.read()
    references = _References(reader.tokens)
    removed = references.removed(defined={head.name for head in reader.heads})
    if reader.old:
        for token in removed:
            token.text = f"data.{SHIM_PACKAGE}.{token.text}"
        text = "".join(token.text for token in tokens)
    return Syntax(
        reader.package,
        text,
        tuple(reader.heads),
        frozenset(references.paths("data")),
        frozenset(references.paths("input")),
        frozenset(references.calls()),
        shim=reader.old and bool(removed),
    )


def _tokens(text: str) -> Iterator[_Token]:
    line, blank = 1, True
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        yield _Token(kind, match[0], line, not blank)
        line += match[0].count("\n")
        blank = kind == "blank"


class _Rules:
    """Goes through a module rule by rule and writes the heads of v0 as v1 does."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.heads: list[Head] = []
        self.package = ""
        self.old = False
        """Whether a rule has a body without `if`, which v1 does not know."""
        self._at = 0
        self._bare: list[tuple[int, _Token, _Token]] = []
        """Heads with an index alone: in v0 the member of a set, in v1 a key that is true."""

    def read(self) -> None:
        """Find every head, and write it as v1 does if the module is v0."""
        while self._at < len(self.tokens):
            if self._now.text in ("package", "import"):
                self._line()
            elif self._now.kind == "name":
                self._rule()
            else:
                self._at += 1
        if self.old:
            for number, opening, closing in self._bare:
                opening.text, closing.text = " contains ", ""
                self.heads[number] = msgspec.structs.replace(self.heads[number], kind="set")

    @property
    def _now(self) -> _Token:
        return self.tokens[self._at] if self._at < len(self.tokens) else _Token("end", "", 0)

    def _taken(self, *texts: str) -> bool:
        found = self._now.kind != "text" and self._now.text in texts
        self._at += found
        return found

    def _line(self) -> None:
        """Step over `package a.b` or `import data.a as b`."""
        first = self._now
        words = []
        while self._now.kind != "end" and self._now.line == first.line:
            words.append(self._now.text)
            self._at += 1
        if first.text == "package":
            self.package = "".join(words[1:])

    def _rule(self) -> None:
        start = self._at
        self._taken("default")
        name, kind = self._now, self._name()
        if self._taken("contains"):
            kind = "set"
            self._term()
        self.heads.append(Head(name.text, kind, name.line))
        if self._taken("=", ":="):
            self._term()
            self._bare = [bare for bare in self._bare if bare[0] != len(self.heads) - 1]
        self._bodies("".join(_spaced(self.tokens[start : self._at])))
        while self._taken("else"):
            if self._taken("=", ":="):
                self._term()
            self._bodies("")
        if self._at == start:
            self._at += 1

    def _name(self) -> Kind:
        """Step over the name with its arguments or its index."""
        self._at += 1
        steps = 0
        while self._now.text == "." and self._now.glued:
            self._at += 2
            steps += 1
        if self._now.text == "(" and self._now.glued:
            self._bracket()
            return "function"
        while self._now.text == "[" and self._now.glued:
            opening = self._now
            closing = self._bracket()
            steps += 1
            if steps == 1 and self._now.text not in ("[", ".", "if"):
                self._bare.append((len(self.heads), opening, closing))
        return "value"

    def _bodies(self, head: str) -> None:
        """Step over what follows a head; a body without `if` gets one."""
        if self._taken("if"):
            self._body_of_v1()
            return
        again = ""
        while self._now.text == "{" and self._now.kind == "sign":
            self.old = True
            self._now.text = f"{again}if {{"
            self._bracket()
            again = f"\n{head} "

    def _body_of_v1(self) -> None:
        """Step over `{ ... }`, or over one expression, which ends with its line."""
        if self._now.text == "{":
            self._bracket()
            return
        line = self._now.line
        while self._now.kind != "end" and (self._now.line == line or self._now.text == "with"):
            line = self._now.line
            line = self._bracket().line if self._now.text in _OPEN else self._step().line

    def _step(self) -> _Token:
        self._at += 1
        return self.tokens[self._at - 1]

    def _bracket(self) -> _Token:
        """Step over everything up to the bracket that closes this one, and return it."""
        depth = 0
        while self._now.kind != "end":
            token = self._step()
            if token.kind == "sign":
                depth += (token.text in _OPEN or token.text.endswith("{")) - (token.text in _CLOSE)
            if not depth:
                break
        return self.tokens[self._at - 1]

    def _term(self) -> None:
        """Step over a value: a literal, a reference or a call, and what is computed of them."""
        self._taken("-")
        if self._now.text in _OPEN and self._now.kind == "sign":
            self._bracket()
        else:
            self._at += 1
        while self._now.glued and self._now.text in (".", "[", "("):
            if self._taken("."):
                self._at += 1
            else:
                self._bracket()
        if self._taken(*_INFIX):
            self._term()


def _spaced(tokens: list[_Token]) -> Iterator[str]:
    for token in tokens:
        yield token.text if token.glued else f" {token.text}"


class _References:
    """What a module refers to."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens

    def paths(self, root: str) -> Iterator[str]:
        """The names behind `data.` or `input.`, as far as they are written with dots."""
        for at, token in enumerate(self._tokens):
            if token.text == root and token.kind == "name" and not self._member(at):
                yield self._path(at + 1)

    def _member(self, at: int) -> bool:
        return at > 0 and self._tokens[at - 1].text == "." and self._tokens[at].glued

    def _path(self, at: int) -> str:
        """What follows from a place on, `.a["b"]` too, with dots."""
        words = []
        while at + 1 < len(self._tokens) and self._tokens[at].glued:
            sign, name = self._tokens[at], self._tokens[at + 1]
            if sign.text == "." and name.kind == "name":
                words.append(name.text)
                at += 2
            elif sign.text == "[" and name.kind == "text":
                words.append(name.text[1:-1])
                at += 3
            else:
                break
        return ".".join(words)

    def calls(self) -> Iterator[str]:
        """The functions that are called, such as `http.send`."""
        for at, token in enumerate(self._tokens):
            if token.kind != "name" or self._member(at):
                continue
            path = self._path(at + 1)
            name = f"{token.text}.{path}" if path else token.text
            end = at + 1 + 2 * name.count(".")
            if end < len(self._tokens) and self._tokens[end].text == "(":
                yield name

    def removed(self, defined: set[str]) -> list[_Token]:
        """The calls of functions that v1 does not have and the module does not define."""
        return [
            token
            for at, token in enumerate(self._tokens[:-1])
            if token.text in _REMOVED - defined
            and not self._member(at)
            and self._tokens[at + 1].text == "("
            and self._tokens[at + 1].glued
        ]
