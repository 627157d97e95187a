# SPDX-License-Identifier: Apache-2.0
"""What did registries answer before?

Content lies under its digest and is hashed again when it is read; a pointer (what a tag named, what
an API listed, that a repository has a manifest) carries the time of the answer, and it is the
reader who decides how old it may be. Verdicts are never kept. A folder that cannot be written is no
cache, and no error.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kguard.model.digests import digest_of

MAX_CONTENT_BYTES = 16 << 20
KEPT_SECONDS = 30 * 86400.0
"""What was not written or used for so long is deleted."""
_SWEPT = "swept"
_SWEEP_SECONDS = 86400.0


class Pointer(msgspec.Struct, frozen=True):
    """What a registry said about a name."""

    name: str
    digest: str
    """Empty: there is nothing of that name."""
    at: float


class Cache:
    """A folder of earlier answers; safe to be used by several threads and processes."""

    def __init__(self, folder: str) -> None:
        self._folder = str(Path(folder)) if folder else ""

    def content(self, digest: str) -> bytes | None:
        """What has a digest, if it is known."""
        raw = self._read(self._content(digest))
        return raw if raw is not None and digest_of(raw) == digest else None

    def keep(self, digest: str, raw: bytes) -> None:
        """Remember content."""
        if len(raw) <= MAX_CONTENT_BYTES:
            self._write(self._content(digest), raw)

    def pointer(self, name: str) -> Pointer | None:
        """What was said about a name."""
        raw = self._read(self._pointer(name))
        try:
            found = msgspec.json.decode(raw or b"", type=Pointer)
        except msgspec.DecodeError:
            return None
        return found if found.name == name else None

    def point(self, name: str, digest: str) -> None:
        """Remember what is said about a name now."""
        raw = msgspec.json.encode(Pointer(name, digest, time.time()))
        self._write(self._pointer(name), raw)

    def sweep(self) -> None:
        """Delete what has not been of use for long; once a day."""
        if not self._folder:
            return
        mark = Path(self._folder, _SWEPT)
        try:
            if mark.exists() and time.time() - mark.stat().st_mtime < _SWEEP_SECONDS:
                return
            for path in self._old():
                path.unlink(missing_ok=True)
            mark.touch()
        except OSError:
            return

    def _old(self) -> Iterator[Path]:
        for path in Path(self._folder).glob("*/*/*"):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                yield path

    def _content(self, digest: str) -> str:
        return self._path("content", digest.removeprefix("sha256:"))

    def _pointer(self, name: str) -> str:
        return self._path("pointers", hashlib.sha256(name.encode()).hexdigest())

    def _path(self, kind: str, name: str) -> str:
        """Where something lies, as text: thousands of `Path` objects cost more than the reading."""
        return os.path.join(self._folder, kind, name[:2], name) if self._folder else ""  # noqa: PTH118

    def _read(self, path: str) -> bytes | None:
        if not path:
            return None
        try:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
                if os.fstat(stream.fileno()).st_size > MAX_CONTENT_BYTES:
                    return None
                return stream.read()
        except OSError:
            return None

    def _write(self, path: str, raw: bytes) -> None:
        """Write a whole file or none; the first failure ends the cache."""
        if not path:
            return
        folder = Path(path).parent
        try:
            try:
                handle, name = tempfile.mkstemp(dir=folder)
            except FileNotFoundError:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                handle, name = tempfile.mkstemp(dir=folder)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(raw)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError:
            self._folder = ""
