# SPDX-License-Identifier: Apache-2.0
"""What does the API server read from the bytes of a policy file?

Authority: answers of a 1.36.3 server. Only the first document counts, whatever follows; an empty
one in front, text in another encoding than the byte order mark says, and anything after JSON are
refused.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, NamedTuple

from kguard.layers.audit.semantics.loading import Loaded, Problem, load
from kguard.layers.audit.semantics.version import Version

_MARKER = re.compile(r"---(?:\s|$)")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DIRECTIVE = re.compile(r"\s*(?:#|%|$)")


class PolicyFile(NamedTuple):
    """A policy file as the API server of a version loads it."""

    loaded: Loaded
    line: int = 0
    column: int = 0
    """Where reading failed; 0 where it did not."""
    repeated: tuple[str, ...] = ()
    """JSON pointers of fields that stand twice: the last one counts, with a warning."""


def read_policy(data: bytes, version: Version | None = None) -> PolicyFile:
    """Read and load a policy file; what cannot be read is invalid, with the place."""
    from kguard.sources.yaml import Broken
    from kguard.sources.yaml import load as read

    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _refused("it is not UTF-8", line, 1)
    first = next(read(data), None)
    if text.lstrip().startswith("{"):
        return _json(text, version)._replace(repeated=_repeated(first))
    if isinstance(first, Broken):
        return _refused(first.message, first.line, first.column)
    if first is not None and first.index and not _leads_to(text, first.line):
        return _refused("the first document is empty", 1, 1)
    loaded = load(first.value if first else None, version)
    return PolicyFile(loaded, repeated=_repeated(first))


def _repeated(document: object) -> tuple[str, ...]:
    found = getattr(document, "ambiguities", ())
    return tuple(trap.pointer for trap in found if trap.trap == "duplicate-key")


def _json(text: str, version: Version | None) -> PolicyFile:
    start = len(text) - len(text.lstrip())
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        return _refused("it begins like JSON, but is none", line, column)
    rest: Any = text[end:].strip()
    if rest:
        return _refused("something follows the JSON value", text.count("\n", 0, end) + 1, 1)
    return PolicyFile(load(value, version))


def _leads_to(text: str, line: int) -> bool:
    """Whether nothing but comments and one separator stand in front of a line."""
    before = text.splitlines()[: line - 1]
    markers = [entry for entry in before if _MARKER.match(entry)]
    others = [entry for entry in before if not _MARKER.match(entry)]
    return len(markers) <= 1 and all(_DIRECTIVE.match(entry) for entry in others)


def _refused(message: str, line: int, column: int) -> PolicyFile:
    return PolicyFile(Loaded(None, "invalid", (Problem(message, ""),)), line, column)
