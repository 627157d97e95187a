# SPDX-License-Identifier: Apache-2.0
"""What does a registry say about an image and its signatures?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kguard.layers.images.evidence.store import (
    Descriptor,
    StoreError,
    digest_of,
    read_manifest,
)
from kguard.layers.images.semantics.references import DEFAULT_TAG, Reference
from kguard.model.facts.images import SignatureClass
from kguard.sources.registry import Client, RegistryError

T = TypeVar("T")

_VERDICTS: dict[str, SignatureClass] = {
    "auth": "unknown_auth",
    "rate_limited": "unknown_rate_limited",
    "unreachable": "unknown_unreachable",
    "refused": "unknown_unreachable",
    "wrong_bytes": "tampered",
    "too_large": "unverifiable_offline",
}


class Repository:
    """One repository of a registry as a place to look for signatures in (`Store`)."""

    def __init__(self, client: Client, reference: Reference) -> None:
        self._client = client
        self._reference = reference
        self._manifests: dict[str, bytes] = {}
        self._tags: dict[str, str] = {}

    def manifest(self, digest: str) -> bytes | None:
        """A manifest, proved by its digest.

        Raises:
            StoreError: the registry does not answer, or with other bytes.
        """
        if digest not in self._manifests:
            raw = self._asked(lambda where: self._client.manifest(*where, digest))
            if raw is None:
                return None
            self._manifests[digest] = raw
        return self._manifests[digest]

    def blob(self, digest: str) -> bytes | None:
        """A blob, proved by its digest.

        Raises:
            StoreError: the registry does not answer, or with other bytes.
        """
        return self._asked(lambda where: self._client.blob(*where, digest))

    def referrers(self, digest: str) -> list[Descriptor] | None:
        """What the referrers API lists; None where the registry does not have it.

        Raises:
            StoreError: the registry does not answer, or with something else.
        """
        pages = self._asked(lambda where: self._client.referrers(*where, digest))
        if pages is None:
            return None
        indexes = [read_manifest(page) for page in pages]
        if None in indexes:
            raise StoreError("unknown_unreachable", "the referrers API answers with no index")
        return [found for index in indexes if index for found in index.manifests]

    def tag(self, name: str) -> str:
        """The digest that a tag names now, or empty.

        Raises:
            StoreError: the registry does not answer.
        """
        if name not in self._tags:
            raw = self._asked(lambda where: self._client.manifest(*where, name))
            digest = digest_of(raw) if raw is not None else ""
            if raw is not None:
                self._manifests[digest] = raw
            self._tags[name] = digest
        return self._tags[name]

    def indexes_of(self, digest: str) -> list[str]:
        """The index that the reference's own tag names, if it lists the manifest.

        Raises:
            StoreError: the registry does not answer.
        """
        index = self.tag(self._reference.tag or DEFAULT_TAG)
        raw = self.manifest(index) if index and index != digest else None
        listed = read_manifest(raw) if raw else None
        return [index] if listed and digest in {d.digest for d in listed.manifests} else []

    def _asked(self, ask: Callable[[tuple[str, str]], T]) -> T:
        try:
            return ask((self._reference.registry, self._reference.repository))
        except RegistryError as error:
            raise StoreError(_VERDICTS[error.reason], error.message) from None
