# SPDX-License-Identifier: Apache-2.0
"""Which alerts lie in a log?

Falco's own log mixes alerts with messages; the kubelet puts `time stream F` in front of each line
(CRI) and the Docker engine wraps it in JSON. Compressed files are read as they are.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, cast

import msgspec

from kguard.errors import SourceError, reason
from kguard.layers.runtime.alerts.alert import MAX_EVENT_BYTES, Alert, NotAnAlertError, parse

_CRI = re.compile(rb"\S+ (?:stdout|stderr) [FP] ")
_GZIP = b"\x1f\x8b"


class Text(msgspec.Struct, frozen=True):
    """A line that is not JSON."""


class Unreadable(msgspec.Struct, frozen=True):
    """A JSON line that is no alert, and why."""

    reason: str


Entry = Alert | Text | Unreadable


def entries(name: str) -> Iterator[Entry]:
    """The lines of a file, `-` for stdin, one at a time.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with _opened(name) as stream:
            for line in _lines(stream):
                yield from entry_of(line)
    except (OSError, EOFError) as error:
        why = reason(error) if isinstance(error, OSError) else "the file ends too early"
        raise SourceError(f"cannot be read: {why}", where=name) from None


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    path = Path(name)
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if compressed else path.open("rb")


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(MAX_EVENT_BYTES + 1):
        while not line.endswith(b"\n") and len(line) > MAX_EVENT_BYTES:
            rest = stream.readline(MAX_EVENT_BYTES)
            if not rest or rest.endswith(b"\n"):
                break
        yield line


def entry_of(line: bytes) -> Iterator[Entry]:
    """What one line is; nothing for an empty one."""
    text = line.strip()
    if prefix := _CRI.match(text):
        text = text[prefix.end() :]
    if not text:
        return
    if not text.startswith(b"{"):
        yield Text()
        return
    try:
        yield parse(_unwrapped(text))
    except NotAnAlertError as error:
        yield Unreadable(str(error))


class _Docker(msgspec.Struct):
    log: str


def _unwrapped(text: bytes) -> bytes:
    if not text.startswith(b'{"log":'):
        return text
    try:
        return msgspec.json.decode(text, type=_Docker).log.strip().encode()
    except msgspec.MsgspecError:
        return text
