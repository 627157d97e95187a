# SPDX-License-Identifier: Apache-2.0
"""How do edited documents become a patch of their file, or the file itself?

`patch` and `git apply` anchor a hunk by the lines around it: the lines of the whole file, not only
those of the edited document. So a patch is made from the file as it lies there; where it cannot be
read again (standard input, a git revision), from the documents alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kguard.model.manifests import SourceText
from kguard.remediation.apply import Applied

_CONTEXT_LINES = 3
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
Edits = Mapping[int, tuple[SourceText, str]]
"""The original and the new text of each edited document, by its index in the file."""


def by_file(applied: Applied) -> dict[str, Edits]:
    """The edited documents of each file, both sorted."""
    found: dict[str, dict[int, tuple[SourceText, str]]] = {}
    for (file, index), text in sorted(applied.texts.items()):
        found.setdefault(file, {})[index] = (applied.originals[file, index], text)
    return dict(found)


def patch(file: str, edits: Edits) -> str:
    """A unified diff that `patch -p1` applies in `start(file)`."""
    whole = _read(file)
    after = None if whole is None else edited(whole, edits)
    if whole is None or after is None:
        body = "".join(_parts(edits))
    else:
        body = "".join(_hunks(whole, after, 1, 1))
    name = _relative(file)
    return f"--- a/{name}\n+++ b/{name}\n{body}"


def start(file: str) -> str:
    """The folder that a patch of a file is relative to: `.` unless the name leads out of it."""
    outside = re.match(r"/|(?:\.\./)+", file)
    return (outside.group().rstrip("/") or "/") if outside else "."


def file_names(files: list[str]) -> dict[str, str]:
    """A name for the patch of each file, without folders, no name twice."""
    found: dict[str, str] = {}
    for file in files:
        stem = re.sub(r"[^\w.-]", "-", _relative(file)).lstrip("-.")
        name, number = f"{stem}.patch", 1
        while name in found.values():
            number += 1
            name = f"{stem}-{number}.patch"
        found[file] = name
    return found


def edited(whole: str, edits: Edits) -> str | None:
    """The file with its documents replaced; None if they are not where they were read."""
    for _, (original, text) in sorted(edits.items(), reverse=True):
        begin = _offset(whole, original)
        if begin is None:
            return None
        whole = whole[:begin] + text + whole[begin + len(original.text) :]
    return whole


def _offset(whole: str, original: SourceText) -> int | None:
    begin = 0
    for _ in range(original.line - 1):
        begin = whole.find("\n", begin) + 1
        if not begin:
            return None
    if whole.startswith(original.text, begin):
        return begin
    return whole.index(original.text) if whole.count(original.text) == 1 else None


def _read(file: str) -> str | None:
    try:
        return Path(file).read_bytes().decode()
    except (OSError, ValueError):
        return None


def _relative(file: str) -> str:
    return re.sub(r"^(?:\.{0,2}/)+", "", file)


def _parts(edits: Edits) -> Iterator[str]:
    """The hunks of each document alone, with the line numbers of its file."""
    grown = 0
    for _, (original, text) in sorted(edits.items()):
        yield from _hunks(original.text, text, original.line, original.line + grown)
        grown += text.count("\n") - original.text.count("\n")


def _hunks(before: str, after: str, old_line: int, new_line: int) -> Iterator[str]:
    old, new = _LINE.findall(before), _LINE.findall(after)
    # unified_diff would treat frequent lines as junk and make patches larger than they must be.
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        (_, old_from, _, new_from, _), (_, _, old_to, _, new_to) = group[0], group[-1]
        old_span = f"{old_from + old_line},{old_to - old_from}"
        yield f"@@ -{old_span} +{new_from + new_line},{new_to - new_from} @@\n"
        for tag, a, b, c, d in group:
            yield from (_row(" ", line) for line in old[a:b] if tag == "equal")
            yield from (_row("-", line) for line in old[a:b] if tag != "equal")
            yield from (_row("+", line) for line in new[c:d] if tag != "equal")


def _row(sign: str, line: str) -> str:
    return sign + (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
