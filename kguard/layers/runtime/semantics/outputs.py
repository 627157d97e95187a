# SPDX-License-Identifier: Apache-2.0
"""Can the engine format a rule's output?

Authority: falcosecurity/libs userspace/libsinsp/eventformatter.cpp: after `%` stands a field, the
longest that exists, or a transformer with a field in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kguard.layers.runtime.semantics.fields import FieldError, find_field
from kguard.layers.runtime.semantics.lexer import TRANSFORMERS, ConditionError, Lexer

CONTAINER_INFO = "%container.info"
DEPRECATED_FIELDS = (
    "evt.dir",
    "evt.latency",
    "evt.latency.s",
    "evt.latency.ns",
    "evt.latency.human",
    "evt.wait_latency",
)
"""In the engine's order; it looks for them as plain text."""

_FIELD = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)*")
_WRAPPERS = tuple(f"{name}(" for name in TRANSFORMERS)


def check_output(text: str, providers: frozenset[str]) -> None:
    """Check every field of an output.

    Raises:
        FieldError: a token that is no field.
    """
    for start in _tokens(text):
        token = text[start:]
        wrapper = next((name for name in _WRAPPERS if token.startswith(name)), "")
        if wrapper:
            token = token[len(wrapper) :].lstrip()
        if not _is_field(token, providers):
            raise FieldError(f"invalid formatting token {text[start:]}", unknown=True)


def _tokens(text: str) -> Iterator[int]:
    start = text.find("%")
    while start >= 0:
        if text.startswith("%%", start):
            start += 1
        else:
            yield start + 1
        start = text.find("%", start + 1)


def _is_field(token: str, providers: frozenset[str]) -> bool:
    found = _FIELD.match(token)
    if found is None:
        return False
    parts = found.group().split(".")
    arg = _argument(token[found.end() :])
    for length in range(len(parts), 1, -1):
        try:
            find_field(".".join(parts[:length]), arg if length == len(parts) else None, providers)
        except FieldError:
            continue
        return True
    return False


def _argument(rest: str) -> str | None:
    lexer = Lexer(rest)
    if not lexer.literal("["):
        return None
    try:
        if lexer.quoted():
            return lexer.last
    except ConditionError:
        return None
    end = rest.find("]")
    return rest[1:end] if end > 0 else None


def deprecated_in(text: str) -> list[str]:
    """The deprecated fields that an output mentions, as the engine looks for them."""
    return [name for name in DEPRECATED_FIELDS if name in text]
