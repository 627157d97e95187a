# SPDX-License-Identifier: Apache-2.0
"""What does a registry say about an image and its signatures?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kguard.layers.images.evidence.store import (
    MAX_BLOB_BYTES,
    Descriptor,
    StoreError,
    read_manifest,
)
from kguard.model.facts.images import SignatureClass
from kguard.sources.registry import RegistryError, Remembering

T = TypeVar("T")

MAX_EVIDENCE_BYTES = 64 << 20
"""Manifests and blobs that are read for one image."""

_VERDICTS: dict[str, SignatureClass] = {
    "auth": "unknown_auth",
    "rate_limited": "unknown_rate_limited",
    "unreachable": "unknown_unreachable",
    "refused": "unknown_unreachable",
    "wrong_bytes": "tampered",
    "too_large": "unknown_unreachable",
}


class Repository:
    """One repository of a registry as a place to look for signatures in (`Store`).

    Args:
        source: the repository, as its registry or the cache tells.
        tag: the one by which an image is named, whose index may list it.
        prefix: what stands before the names of all tags that are asked for.
    """

    def __init__(self, source: Remembering, tag: str, prefix: str = "") -> None:
        self._source = source
        self._tag = tag
        self._prefix = prefix
        self._manifests: dict[str, bytes] = {}
        self._tags: dict[str, str] = {}
        self._listed: set[str] = set()
        """What the repository itself named, so that it is there."""
        self._read = 0
        self._endless: StoreError | None = None

    @property
    def remembered(self) -> bool:
        """Whether an earlier answer was believed that may have changed."""
        return self._source.remembered

    def manifest(self, digest: str) -> bytes | None:
        """A manifest, proved by its digest.

        Raises:
            StoreError: the registry does not answer, or with other bytes.
        """
        if digest not in self._manifests:
            listed = digest in self._listed
            raw = self._asked(lambda: self._source.manifest(digest, listed=listed))
            if raw is None:
                return None
            self._manifests[digest] = self._counted(raw)
        return self._manifests[digest]

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob, proved by its digest.

        Raises:
            StoreError: the registry does not answer, or with other bytes.
        """
        try:
            raw = self._source.blob(digest, size)
        except RegistryError as error:
            if error.reason == "too_large":
                reason = "a signature's content is longer than its manifest says"
                raise StoreError("tampered", reason) from None
            raise StoreError(_VERDICTS[error.reason], error.message) from None
        return None if raw is None else self._counted(raw)

    def referrers(self, digest: str) -> list[Descriptor] | None:
        """What the referrers API lists; None where the registry does not have it.

        Raises:
            StoreError: the registry does not answer, or with something else.
        """
        pages = self._asked(lambda: self._source.referrers(digest))
        if pages is None:
            return None
        indexes = [read_manifest(page) for page in pages]
        if None in indexes:
            raise StoreError("unknown_unreachable", "the referrers API answers with no index")
        found = [descriptor for index in indexes if index for descriptor in index.manifests]
        self._listed.update(descriptor.digest for descriptor in found)
        return found

    def tag(self, name: str) -> str:
        """The digest that a tag names now, or empty.

        Raises:
            StoreError: the registry does not answer.
        """
        if name not in self._tags:
            digest, raw = self._asked(lambda: self._source.tag(self._prefix + name))
            if digest:
                self._manifests[digest] = self._counted(raw)
            self._tags[name] = digest
        return self._tags[name]

    def indexes_of(self, digest: str) -> list[str]:
        """The index that the reference's own tag names, if it lists the manifest.

        Raises:
            StoreError: the registry does not answer.
        """
        index = self.tag(self._tag)
        raw = self.manifest(index) if index and index != digest else None
        listed = read_manifest(raw) if raw else None
        return [index] if listed and digest in {d.digest for d in listed.manifests} else []

    def _counted(self, raw: bytes) -> bytes:
        self._read += len(raw)
        if self._read > MAX_EVIDENCE_BYTES:
            reason = f"more than {MAX_EVIDENCE_BYTES >> 20} MiB refer to the image"
            raise StoreError("unverifiable_offline", reason)
        return raw

    def _asked(self, ask: Callable[[], T]) -> T:
        """An answer; after one without end, nothing more is asked of the repository."""
        if self._endless is not None:
            raise StoreError(self._endless.verdict, self._endless.reason)
        try:
            return ask()
        except RegistryError as error:
            found = StoreError(_VERDICTS[error.reason], error.message)
            if error.reason == "too_large":
                self._endless = found
            raise found from None
