# SPDX-License-Identifier: Apache-2.0
"""Where does something stand in the input?"""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True, order=True):
    """A region of a text file: 1-based lines and columns, the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a file (1-based, the end column is exclusive) or in an object of a cluster."""

    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    cluster: str = ""
    path: str = ""
    """Object and field in a cluster; the field in rendered output."""
    role: str
    """`decides`, `related` or `target`."""


def escape_pointer(token: str) -> str:
    """One reference token of a JSON pointer (RFC 6901 section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """The JSON pointer of a path: `pointer("spec", 0, "a/b")` is `/spec/0/a~1b`."""
    return "".join("/" + escape_pointer(str(token)) for token in tokens)


def pointer_tokens(text: str) -> list[str]:
    """The unescaped reference tokens of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
