# SPDX-License-Identifier: Apache-2.0
"""How does the state of a cluster become one file, and come back?

A snapshot is gzip over lines of JSON: a header, then one line for each object, sorted, so that
the same state gives the same bytes. Values that read like secrets are masked before they are
written. Readers take every version that was ever released and refuse later ones.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from kguard import __version__
from kguard.errors import SourceError, reason
from kguard.model.manifests import (
    Collected,
    JsonObject,
    Manifest,
    NotEvaluated,
    PlainFile,
    SourceText,
    Unreadable,
    mapping,
)
from kguard.model.masking import masked

SCHEMA: Literal["kguard/snapshot/v1"] = "kguard/snapshot/v1"
MAX_LINE_BYTES = 16 << 20
"""A header or an object: ten times what an API server stores."""
MAX_SNAPSHOT_BYTES = 8 << 30
"""All lines together, unpacked."""
_LEVEL = 6


class Header(msgspec.Struct, kw_only=True):
    """The first line of a snapshot: what was read, when, and what could not be."""

    schema: str = SCHEMA
    cluster: str
    """The name of the context that was read."""
    taken: str
    """When, in RFC 3339."""
    kguard: str = __version__
    objects: int
    """How many lines follow."""
    versions: dict[str, str] = {}
    files: list[PlainFile] = []
    unreadable: list[Unreadable] = []
    not_evaluated: list[NotEvaluated] = []


def write(collected: Collected, cluster: str, at: datetime) -> bytes:
    """The snapshot of what was read of one cluster.

    Args:
        collected: what `sources.cluster.read` found.
        cluster: the name of the context.
        at: when it was read.
    """
    header = Header(
        cluster=cluster,
        taken=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        objects=len(collected.manifests),
        versions=dict(sorted(collected.versions.items())),
        files=sorted(collected.files, key=lambda plain: plain.file),
        unreadable=sorted(collected.unreadable),
        not_evaluated=sorted(set(collected.not_evaluated)),
    )
    objects = sorted((manifest.object for manifest in collected.manifests), key=_identity)
    lines = [msgspec.json.encode(header), *(msgspec.json.encode(masked(o)) for o in objects)]
    return gzip.compress(b"\n".join(lines) + b"\n", _LEVEL, mtime=0)


def _identity(item: JsonObject) -> tuple[str, ...]:
    metadata = mapping(item.get("metadata"))
    fields = (item.get("apiVersion"), item.get("kind"))
    return tuple(map(str, (*fields, metadata.get("namespace", ""), metadata.get("name", ""))))


def read(path: Path) -> Collected:
    """What a snapshot holds, as if the cluster had been read.

    Raises:
        SourceError: the file cannot be read, is no snapshot, is cut off, or is of a later version.
    """
    with _opened(path) as stream:
        return _collected(_lines(stream, path), path)


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile]:
    try:
        with gzip.open(path, "rb") as stream:
            yield stream
    except FileNotFoundError:
        hint = f"`kguard snapshot --context NAME -o {path}` writes one"
        raise SourceError("no such file", where=str(path), hint=hint) from None
    except gzip.BadGzipFile:
        raise _no_snapshot(path) from None
    except (EOFError, zlib.error):
        raise SourceError("the snapshot is cut off or damaged", where=str(path)) from None
    except OSError as error:
        raise SourceError(f"the file cannot be read: {reason(error)}", where=str(path)) from None


def cluster_of(path: Path) -> str:
    """The name of the cluster that a snapshot holds, from its first line.

    Raises:
        SourceError: as `read`.
    """
    with _opened(path) as stream:
        return _header(next(_lines(stream, path), b""), path).cluster


def _lines(stream: gzip.GzipFile, path: Path) -> Iterator[bytes]:
    total = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        total += len(line)
        if len(line) > MAX_LINE_BYTES or total > MAX_SNAPSHOT_BYTES:
            raise SourceError("the snapshot is larger than any cluster's", where=str(path))
        yield line


def _collected(lines: Iterator[bytes], path: Path) -> Collected:
    header = _header(next(lines, b""), path)
    manifests = []
    for index, line in enumerate(lines):
        try:
            item = msgspec.json.decode(line, type=JsonObject)
        except msgspec.DecodeError:
            raise _no_snapshot(path, index + 2) from None
        text = SourceText(file="", index=index, line=0, text="", cluster=header.cluster)
        manifests.append(Manifest(item, text))
    if len(manifests) != header.objects:
        raise SourceError("the snapshot is cut off or damaged", where=str(path))
    return Collected(
        manifests=manifests,
        files=header.files,
        unreadable=header.unreadable,
        not_evaluated=header.not_evaluated,
        versions=header.versions,
    )


def _header(line: bytes, path: Path) -> Header:
    try:
        named = msgspec.json.decode(line, type=JsonObject).get("schema")
    except msgspec.DecodeError:
        raise _no_snapshot(path) from None
    if isinstance(named, str) and named.startswith("kguard/snapshot/") and named != SCHEMA:
        hint = "upgrade kguard"
        raise SourceError(
            f"the snapshot is a later version's ({named})", where=str(path), hint=hint
        )
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.DecodeError:
        raise _no_snapshot(path) from None
    if header.schema != SCHEMA or not header.cluster:
        raise _no_snapshot(path)
    return header


def _no_snapshot(path: Path, line: int = 1) -> SourceError:
    hint = "`kguard snapshot --context NAME` writes one"
    return SourceError("this is no snapshot", where=f"{path}:{line}", hint=hint)
