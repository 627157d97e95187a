# SPDX-License-Identifier: Apache-2.0
"""Where does output go, and what must not reach a terminal?"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from kguard.errors import UsageError, reason
from kguard.model.safe_text import clean

__all__ = ["clean", "forget_output", "note", "write", "write_json", "write_private", "write_rows"]


def write(text: str, destination: str) -> None:
    """Write a report to a file, or to stdout where the destination is empty or `-`.

    A file is there whole or as it was: collectors of metrics read at any moment.

    Raises:
        UsageError: it cannot be written.
    """
    if destination in ("", "-"):
        _print(text)
        return
    try:
        _replace(Path(destination), text)
    except OSError as error:
        raise UsageError(f"cannot write {destination}: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of an old one; what is no file, such as a pipe, is written to."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with fresh.open("x", encoding="utf-8") as stream:  # a link that waits there is not followed
            _write_as(target, stream, text)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            fresh.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        # The file may be writable where its folder is not.
        target.write_text(text, encoding="utf-8")


def _write_as(target: Path, stream: IO[str], text: str) -> None:
    """Write a file with the rights of another, and put it in its place."""
    if target.exists():
        shutil.copymode(target, stream.name)
    stream.write(text)
    stream.flush()
    Path(stream.name).replace(target)


def write_private(data: bytes, destination: str) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    path = Path(destination)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
            try:
                stream.write(data)
                stream.flush()
                Path(stream.name).replace(path)
            except OSError:
                Path(stream.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {reason(error)}", where=destination
        ) from None


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise UsageError(f"cannot write to standard output: {error.strerror}") from None


def forget_output() -> None:
    """Lead to nowhere what standard output still holds: there is nobody to take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
