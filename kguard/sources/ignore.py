# SPDX-License-Identifier: Apache-2.0
"""Which files do `.gitignore` and `.kguardignore` leave out?

Patterns as gitignore(5): the last pattern that matches decides, `!` takes back, a trailing `/`
matches folders only, a pattern with a `/` inside is anchored at the folder of its file, `**` spans
folders. As with git, what lies in an ignored folder cannot be taken back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import msgspec

IGNORE_FILES = (".gitignore", ".kguardignore")
MAX_IGNORE_BYTES = 1 << 20


class Pattern(msgspec.Struct, frozen=True):
    """One line of an ignore file."""

    base: str
    """The folder of the ignore file, relative to the walked root, `""` or ending in `/`."""
    regex: re.Pattern[str]
    folders_only: bool
    takes_back: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether the pattern speaks of a path (relative to the walked root)."""
        if not path.startswith(self.base) or (self.folders_only and not is_folder):
            return False
        return self.regex.fullmatch(path[len(self.base) :]) is not None


def parse(text: str, base: str) -> list[Pattern]:
    """The patterns of an ignore file that lies in `base`."""
    found = []
    for line in text.splitlines():
        raw = re.sub(r"(?<!\\)\s+$", "", line)
        if not raw or raw.startswith("#"):
            continue
        takes_back = raw.startswith("!")
        raw = raw.removeprefix("!")
        folders_only = raw.endswith("/")
        raw = raw.rstrip("/")
        if raw:
            regex = glob_regex(raw.removeprefix("/"), anchored="/" in raw)
            found.append(Pattern(base, regex, folders_only, takes_back))
    return found


def patterns_in(folder: Path, base: str) -> list[Pattern]:
    """The patterns of the ignore files of one folder; unreadable ones have none."""
    found: list[Pattern] = []
    for name in IGNORE_FILES:
        path = folder / name
        try:
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    found += parse(stream.read(MAX_IGNORE_BYTES).decode(errors="replace"), base)
        except OSError:
            continue
    return found


def ignored(path: str, patterns: list[Pattern], *, is_folder: bool) -> bool:
    """Whether the patterns leave a path out."""
    for pattern in reversed(patterns):
        if pattern.matches(path, is_folder=is_folder):
            return not pattern.takes_back
    return False


@lru_cache(maxsize=1024)
def glob_regex(glob: str, *, anchored: bool) -> re.Pattern[str]:
    """A glob as a regular expression for whole relative paths.

    An unanchored glob matches at any depth.
    """
    text = "" if anchored else "(?:.*/)?"
    index = 0
    while index < len(glob):
        step, piece = _piece(glob, index)
        text += piece
        index += step
    return re.compile(text, re.DOTALL)


def _piece(glob: str, index: int) -> tuple[int, str]:
    """How many characters of the glob at `index` make one piece, and its expression."""
    if glob.startswith("**/", index) and (index == 0 or glob[index - 1] == "/"):
        return 3, "(?:.*/)?"
    if glob.startswith("/**", index) and index + 3 == len(glob):
        return 3, "/.*"
    match glob[index]:
        case "*":
            stars = len(glob[index:]) - len(glob[index:].lstrip("*"))
            return stars, "[^/]*"
        case "?":
            return 1, "[^/]"
        case "[":
            return _character_class(glob, index)
        case "\\" if index + 1 < len(glob):
            return 2, re.escape(glob[index + 1])
        case other:
            return 1, re.escape(other)


def _character_class(glob: str, index: int) -> tuple[int, str]:
    end = glob.find("]", index + 2)
    if end < 0:
        return 1, re.escape("[")
    body = glob[index + 1 : end]
    negated = body[0] in "!^"
    content = re.escape(body[negated:]).replace(r"\-", "-")
    if not content:
        return 1, re.escape("[")
    piece = f"(?!/)[{'^' if negated else ''}{content}]"
    try:
        re.compile(piece)
    except re.error:
        piece = re.escape(glob[index : end + 1])
    return end + 1 - index, piece
