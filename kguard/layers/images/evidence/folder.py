# SPDX-License-Identifier: Apache-2.0
"""What does an evidence folder hold?

An evidence folder is an OCI image layout (image-spec image-layout.md: `oci-layout`, `index.json`,
`blobs/sha256/`), loose bundles (`*.sigstore.json`, at the top or in `bundles/`) and
`evidence.json` (schema `kguard/evidence/v1`), which records where signatures were looked for;
each of the three may be missing. An image without signatures counts as unsigned only where
`evidence.json` says that all places were asked: a layout that was merely copied proves nothing.

Signatures are found by `subject`, by tag (`org.opencontainers.image.ref.name`), and by the
statement of a loose bundle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from kguard.layers.images.evidence.discover import Candidate
from kguard.layers.images.evidence.store import (
    MAX_BLOB_BYTES,
    MAX_MANIFEST_BYTES,
    Descriptor,
    Manifest,
    StoreError,
    read_manifest,
)
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_weakly
from kguard.model.digests import digest_of
from kguard.model.manifests import mapping, sequence, strings

RECORD = "evidence.json"
SCHEMA = "kguard/evidence/v1"
PLACES = ("referrers", "fallback-tag", "sig", "att")
"""Where signatures can lie; all of them must have been asked before an image is unsigned."""

MAX_ENTRIES = 100_000
MAX_LOOSE_BUNDLES = 10_000
MAX_BUNDLE_FILE = 16 << 20
MAX_INDEX_DEPTH = 4
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_REFERENCE_KEYS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")

FetchError = Literal["auth", "rate_limited", "unreachable", "not_found"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What evidence.json says about one image."""

    digest: str = ""
    reference: str = ""
    """The full name by tag that had this digest when the evidence was collected."""
    asked: tuple[str, ...] = ()
    """Which of `referrers`, `fallback-tag`, `sig` and `att` answered, if only with "none"."""
    error: FetchError | None = None
    """Why the image or a place could not be read."""
    detail: str = ""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document evidence.json."""

    schema: Literal["kguard/evidence/v1"]
    images: tuple[Asked, ...] = ()
    collected: str = ""
    """When, RFC 3339."""


class Folder:
    """An evidence folder as a place to look for signatures in (`Store`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.tags: dict[str, str] = {}
        """Tags and full names, as annotations give them, with the digests that they name."""
        self.manifests: dict[str, Manifest] = {}
        self.record: dict[str, list[Asked]] = {}
        """What evidence.json says, by digest: one entry for each repository."""
        self.names: dict[str, Asked] = {}
        """What evidence.json says, by full name."""
        self.loose: dict[str, list[Candidate]] = {}
        """Loose bundles by the digest that they are about."""
        self._read()

    def _read(self) -> None:
        self._read_record()
        self._read_index(self._json("index.json"), 0)
        self._read_blobs()
        for path in self._loose_files():
            self._read_loose(path)

    def manifest(self, digest: str) -> bytes | None:
        """A manifest by digest."""
        return self._content(digest, MAX_MANIFEST_BYTES)

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob by digest."""
        return self._content(digest, MAX_BLOB_BYTES)

    def referrers(self, digest: str) -> list[Descriptor]:
        """The manifests whose `subject` is an image."""
        return [
            Descriptor(name, manifest.media_type, 0)
            for name, manifest in sorted(self.manifests.items())
            if manifest.subject == digest
        ]

    def tag(self, name: str) -> str:
        """The digest that a tag names; full names end with the tag."""
        for key in sorted(self.tags):
            if key == name or key.endswith(f":{name}"):
                return self.tags[key]
        return ""

    def indexes_of(self, digest: str) -> list[str]:
        """The indexes that list a manifest."""
        return [
            name
            for name, manifest in sorted(self.manifests.items())
            if any(entry.digest == digest for entry in manifest.manifests)
        ]

    def resolve(self, name: str) -> str:
        """The digest that a full name by tag had, or empty."""
        asked = self.names.get(name)
        return asked.digest if asked and asked.digest else self.tags.get(name, "")

    def holds(self, digest: str) -> bool:
        """Whether the folder says anything about an image."""
        return digest in self.record or digest in self.manifests or digest in self.loose

    def about(self, digest: str, context: str) -> Asked | None:
        """What evidence.json says about an image in a repository (`registry/path`)."""
        found = self.record.get(digest, [])
        return next((entry for entry in found if _context(entry) in ("", context)), None)

    def is_complete(self, digest: str, context: str) -> bool:
        """Whether all places of a repository were asked for signatures of an image."""
        entry = self.about(digest, context)
        return entry is not None and set(PLACES) <= set(entry.asked)

    def _content(self, digest: str, limit: int) -> bytes | None:
        if not _DIGEST.match(digest):
            return None
        raw = self._bytes(self.path / "blobs" / "sha256" / digest.removeprefix("sha256:"), limit)
        if raw is not None and digest_of(raw) != digest:
            raise StoreError("tampered", f"the bytes stored for {digest} are others")
        return raw

    def _bytes(self, path: Path, limit: int) -> bytes | None:
        """The content of a file; links that lead out of the folder are not followed."""
        try:
            if not path.resolve().is_relative_to(self.path.resolve()):
                raise StoreError("unknown_unreadable", f"{path} leads out of the folder")
            if not path.is_file():
                return None
            if path.stat().st_size > limit:
                raise StoreError("unknown_unreadable", f"{path} is larger than {limit} bytes")
            return path.read_bytes()
        except OSError as error:
            raise StoreError("unknown_unreadable", f"{path}: {error.strerror}") from None

    def _json(self, name: str) -> Any:
        try:
            raw = self._bytes(self.path / name, MAX_MANIFEST_BYTES)
            return json.loads(raw) if raw is not None else None
        except StoreError as error:
            self.problems.append(error.reason)
        except (ValueError, RecursionError):
            self.problems.append(f"{self.path / name}: no JSON")
        return None

    def _read_record(self) -> None:
        value = self._json(RECORD)
        if value is None:
            return
        try:
            record = msgspec.convert(value, Record)
        except msgspec.ValidationError as error:
            self.problems.append(f"{self.path / RECORD}: {error}")
            return
        for entry in record.images:
            if entry.digest:
                self.record.setdefault(entry.digest, []).append(entry)
            name = _full_name(entry.reference)
            if name and "@" not in entry.reference:
                self.names[name] = entry

    def _read_index(self, value: Any, depth: int) -> None:
        for entry in sequence(mapping(value).get("manifests"))[:MAX_ENTRIES]:
            digest = strings(entry).get("digest", "")
            annotations = strings(mapping(entry).get("annotations"))
            for key in _REFERENCE_KEYS:
                if key in annotations:
                    name = annotations[key]
                    self.tags[_full_name(name) if "/" in name else name] = digest
            manifest = self._add(digest)
            if manifest is not None and manifest.manifests and depth < MAX_INDEX_DEPTH:
                for child in manifest.manifests:
                    self._add(child.digest)

    def _add(self, digest: str) -> Manifest | None:
        if digest in self.manifests:
            return self.manifests[digest]
        try:
            raw = self.manifest(digest)
        except StoreError as error:
            self.problems.append(error.reason)
            return None
        found = read_manifest(raw) if raw else None
        if found is not None:
            self.manifests[digest] = found
        return found

    def _read_blobs(self) -> None:
        """`cosign save` leaves what refers to an image out of index.json."""
        blobs = self.path / "blobs" / "sha256"
        try:
            names = sorted(entry.name for entry in blobs.iterdir())[:MAX_ENTRIES]
        except OSError:
            return
        for name in names:
            digest = f"sha256:{name}"
            if digest not in self.manifests and _DIGEST.match(digest) and self._is_small(name):
                self._add(digest)

    def _is_small(self, name: str) -> bool:
        try:
            return (self.path / "blobs" / "sha256" / name).stat().st_size <= MAX_MANIFEST_BYTES
        except OSError:
            return False

    def _loose_files(self) -> Iterator[Path]:
        for folder in (self.path, self.path / "bundles"):
            try:
                yield from sorted(folder.glob("*.sigstore.json"))[:MAX_LOOSE_BUNDLES]
            except OSError as error:
                self.problems.append(f"{folder}: {error.strerror}")

    def _read_loose(self, path: Path) -> None:
        from kguard.layers.images.verification.bundle import parse
        from kguard.layers.images.verification.rejected import RejectedError
        from kguard.layers.images.verification.verify import read_statement

        try:
            raw = self._bytes(path, MAX_BUNDLE_FILE) or b""
            bundle = parse(raw)
            digests = _about(read_statement(bundle.envelope)) if bundle.envelope else set()
            if bundle.message is not None:
                digests.add(f"sha256:{bundle.message.digest.hex()}")
        except (StoreError, RejectedError) as error:
            self.problems.append(f"{path}: {error.reason}")
            return
        if match := re.search(r"[0-9a-f]{64}", path.name):
            digests.add(f"sha256:{match[0]}")
        for digest in digests:
            candidate = Candidate("bundle", "loose-bundle", raw, {})
            self.loose.setdefault(digest, []).append(candidate)


def _about(statement: dict[str, Any]) -> set[str]:
    found = set()
    for subject in sequence(statement.get("subject")):
        digest = strings(mapping(subject).get("digest")).get("sha256", "")
        if _DIGEST.match(f"sha256:{digest}"):
            found.add(f"sha256:{digest}")
    return found


def _context(entry: Asked) -> str:
    try:
        return parse_weakly(entry.reference).context
    except InvalidReferenceError:
        return ""


def _full_name(reference: str) -> str:
    try:
        return parse_weakly(reference).tagged
    except InvalidReferenceError:
        return ""
