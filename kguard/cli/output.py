# SPDX-License-Identifier: Apache-2.0
"""Where does output go, and what must not reach a terminal?"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from kguard.errors import UsageError, reason
from kguard.model.safe_text import clean

__all__ = ["clean", "note", "write", "write_json", "write_private", "write_rows"]


def write(text: str, destination: str) -> None:
    """Write a report to a file, or to stdout where the destination is empty or `-`.

    Raises:
        UsageError: the file cannot be written.
    """
    if destination in ("", "-"):
        sys.stdout.write(text)
        return
    try:
        Path(destination).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {destination}: {error.strerror}") from None


def write_private(data: bytes, destination: str) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    path = Path(destination)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
            stream.write(data)
        Path(stream.name).replace(path)
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {reason(error)}", where=destination
        ) from None


def write_json(document: Any, destination: str = "") -> None:
    """Write a document as indented JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n", destination)


def write_rows(rows: Sequence[Any], lines: Iterable[str], form: str) -> None:
    """Write rows as JSON, or the lines that show them to people."""
    if form == "json":
        write_json(rows)
    else:
        write("".join(f"{line}\n" for line in lines), "")


def note(text: str, *, quiet: bool = False) -> None:
    """Say something on stderr, where progress and hints belong."""
    if not quiet:
        click.echo(clean(text), err=True)
