# SPDX-License-Identifier: Apache-2.0
"""How do the commands of `kguard audit` read policies, logs and requests?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from kguard.cli.output import note
from kguard.errors import SourceError, UsageError

if TYPE_CHECKING:
    from kguard.layers.audit.semantics.policy import Policy

MAX_LINE = 16 << 20
"""Bytes of one line; more is refused."""

_BUFFER = 1 << 20


def policy_of(name: str, version_text: str) -> Policy:
    """The policy of a file, as the API server loads it.

    Raises:
        UsageError: the API server would refuse it, or the version is none.
        SourceError: the file cannot be read.
    """
    from kguard.layers.audit.facts.files import read_policy
    from kguard.layers.audit.semantics.version import parse_version

    version = parse_version(version_text)
    if version_text and version is None:
        raise UsageError(f"--kube-version {version_text} is no version", hint="write 1.36")
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise SourceError(f"the policy cannot be read: {error.strerror}", where=name) from None
    found = read_policy(data, version)
    if found.loaded.policy is None or found.loaded.state == "invalid":
        problem = found.loaded.problems[0].message
        where = f"{name}:{found.line}:{found.column}" if found.line else name
        raise UsageError(f"the API server does not start with this policy: {problem}", where=where)
    for field in found.loaded.ignored:
        note(f"{name}: {field.name} at {field.pointer} is no field: the API server ignores it")
    for pointer in found.repeated:
        note(f"{name}: {pointer} stands twice: the API server takes the last one")
    return found.loaded.policy


def lines_of(name: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not empty, with their places.

    Raises:
        SourceError: the file cannot be read.
        UsageError: a line is too long.
    """
    import gzip
    import io
    import zlib

    number = 0
    try:
        with click.open_file(name, "rb") as plain:
            stream: IO[bytes] = plain
            if name.endswith(".gz"):
                stream = io.BufferedReader(gzip.GzipFile(fileobj=plain), _BUFFER)
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise UsageError(f"longer than {MAX_LINE} bytes", where=f"{name}:{number}")
                if line.strip():
                    yield f"{name}:{number}", bytes(line)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"the file cannot be read: {reason}", where=name) from None
