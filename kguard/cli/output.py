# SPDX-License-Identifier: Apache-2.0
"""Where does output go, and what must not reach a terminal?"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from kguard.errors import UsageError

_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def clean(text: str) -> str:
    """The text without control and bidi characters, which could forge a terminal's screen."""
    return _UNSAFE.sub("�", text)


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


def note(text: str, *, quiet: bool = False) -> None:
    """Say something on stderr, where progress and hints belong."""
    if not quiet:
        click.echo(clean(text), err=True)
