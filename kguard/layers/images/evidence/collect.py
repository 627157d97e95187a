# SPDX-License-Identifier: Apache-2.0
"""How is what registries hold about images written down, to be judged elsewhere?

Authority: OCI image specification image-layout.md, and `kguard schema evidence`. Everything that
the search for signatures reads is kept by digest, with the tags that led to it; what could not be
read is kept as such. Nothing is judged here.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from kguard.errors import UsageError
from kguard.layers.images.evidence.discover import Found, discover, look
from kguard.layers.images.evidence.folder import (
    PLACES,
    RECORD,
    Asked,
    FetchError,
    Record,
)
from kguard.layers.images.evidence.store import (
    MAX_BLOB_BYTES,
    Descriptor,
    Store,
    StoreError,
    read_manifest,
)
from kguard.layers.images.semantics.references import Reference
from kguard.model.digests import digest_of

_LAYOUT = "oci-layout"
_NAME = "org.opencontainers.image.ref.name"
_LOCATIONS = dict(zip(("referrer", "fallback-tag", "sig-tag", "att-tag"), PLACES, strict=True))
_ERRORS: dict[str, FetchError] = {
    "unknown_auth": "auth",
    "unknown_rate_limited": "rate_limited",
    "not_found": "not_found",
}


class Writer:
    """An evidence folder that is being written; safe to be used by several threads.

    Raises:
        UsageError: the folder holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        self._asked: list[Asked] = []
        try:
            blobs = path / "blobs" / "sha256"
            if path.is_dir() and any(path.iterdir()) and not (path / _LAYOUT).is_file():
                raise UsageError(f"{path} holds something else", hint="name a new folder")
            blobs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None

    def keep(self, raw: bytes) -> str:
        """Store content by its digest."""
        digest = digest_of(raw)
        path = self._path / "blobs" / "sha256" / digest.removeprefix("sha256:")
        if not path.exists():
            path.write_bytes(raw)
        return digest

    def name(self, raw: bytes, name: str) -> None:
        """Store a manifest that has a name, or none."""
        manifest = read_manifest(raw)
        entry: dict[str, Any] = {
            "mediaType": (manifest.media_type if manifest else "") or _MANIFEST,
            "digest": self.keep(raw),
            "size": len(raw),
        }
        if name:
            entry["annotations"] = {_NAME: name}
        with self._lock:
            self._entries[entry["digest"], name] = entry

    def record(self, asked: Asked) -> None:
        """Remember where was looked for an image."""
        with self._lock:
            self._asked.append(asked)

    def finish(self, collected: str) -> list[Asked]:
        """Write the index and the record; what was asked, in order."""
        entries = [self._entries[key] for key in sorted(self._entries)]
        asked = sorted(self._asked, key=lambda a: (a.reference, a.digest))
        record = msgspec.to_builtins(Record("kguard/evidence/v1", tuple(asked), collected))
        self.write(_LAYOUT, b'{"imageLayoutVersion":"1.0.0"}\n')
        self.write("index.json", _json({"schemaVersion": 2, "manifests": entries}))
        self.write(RECORD, _json(record))
        return asked

    def write(self, name: str, raw: bytes) -> None:
        """Write a file beside the blobs."""
        (self._path / name).write_bytes(raw)


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


class Keeping:
    """A place that keeps what it answers (`Store`)."""

    def __init__(self, store: Store, writer: Writer, context: str) -> None:
        self._store = store
        self._writer = writer
        self._context = context

    def manifest(self, digest: str) -> bytes | None:
        """A manifest, kept."""
        raw = self._store.manifest(digest)
        if raw is not None:
            self._writer.name(raw, "")
        return raw

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob, kept unless it is longer than said."""
        raw = self._store.blob(digest, size)
        if raw is not None and digest_of(raw) == digest:
            self._writer.keep(raw)
        return raw

    def referrers(self, digest: str) -> list[Descriptor] | None:
        """What refers to a manifest."""
        return self._store.referrers(digest)

    def tag(self, name: str) -> str:
        """The digest that a tag names, kept with its name."""
        digest = self._store.tag(name)
        raw = self._store.manifest(digest) if digest else None
        if raw is not None:
            self._writer.name(raw, f"{self._context}:{name}")
        return digest

    def indexes_of(self, digest: str) -> list[str]:
        """The indexes that list a manifest, kept."""
        found = self._store.indexes_of(digest)
        for index in found:
            self.manifest(index)
        return found


def collect(
    writer: Writer, reference: Reference, digest: str, store: Store, beside: list[Store]
) -> None:
    """Keep everything that the search for an image's signatures reads."""
    keeping = Keeping(store, writer, reference.context)
    more = [Keeping(place, writer, reference.context) for place in beside]
    found = discover(keeping, digest)
    for place in more:
        look(place, digest, found)
    try:
        for index in keeping.indexes_of(digest):
            discover(keeping, index)
    except StoreError:
        pass  # an index above the image is no place of its own signatures
    name = f"{reference.context}@{digest}" if reference.digest else reference.tagged
    writer.record(_asked(found, name, digest))


def _asked(found: Found, name: str, digest: str) -> Asked:
    """Which places answered; an error only where nothing was found in its stead."""
    failed = {p.location: p.error for p in found.problems if p.error.verdict.startswith("unknown_")}
    asked = tuple(place for location, place in _LOCATIONS.items() if location not in failed)
    if not found.served:
        return Asked(digest, name, asked, "not_found")
    error = next(iter(failed.values()), None)
    if error is None or found.candidates:
        return Asked(digest, name, asked)
    return unread(name, digest, error.verdict, error.reason, asked)


def unread(name: str, digest: str, verdict: str, reason: str, asked: tuple[str, ...] = ()) -> Asked:
    """An image, or a place, that could not be read."""
    return Asked(digest, name, asked, _ERRORS.get(verdict, "unreachable"), reason)
