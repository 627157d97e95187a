# SPDX-License-Identifier: Apache-2.0
"""What must a place with images and signatures be able to answer?"""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from kguard.model.facts.images import SignatureClass
from kguard.model.manifests import mapping, sequence, strings

MAX_MANIFEST_BYTES = 4 << 20
"""What registries accept as a manifest (OCI distribution specification)."""
MAX_BLOB_BYTES = 16 << 20
"""Larger bundles and payloads are not read; cosign takes up to 128 MiB into memory."""


class StoreError(Exception):
    """A place could not be asked, or answered with other bytes than were asked for."""

    def __init__(self, verdict: SignatureClass, reason: str) -> None:
        super().__init__(reason)
        self.verdict: SignatureClass = verdict
        self.reason = reason


class Descriptor(msgspec.Struct, frozen=True, order=True):
    """A reference to a manifest or blob. What it says beside the digest is not trusted."""

    digest: str
    media_type: str
    size: int
    artifact_type: str = ""


class Store(Protocol):
    """One repository of a registry, or a folder. Unknown things are None; nothing is guessed."""

    def manifest(self, digest: str) -> bytes | None:
        """A manifest.

        Raises:
            StoreError: it cannot be asked for, or its bytes do not have the digest.
        """

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob that is said to have so many bytes; of a longer one, not much more than that.

        Raises:
            StoreError: it cannot be asked for, or its bytes do not have the digest.
        """

    def referrers(self, digest: str) -> list[Descriptor] | None:
        """What refers to a manifest by its `subject`; None where there is no referrers API.

        Raises:
            StoreError: it cannot be asked for.
        """

    def tag(self, name: str) -> str:
        """The digest that a tag names, or empty.

        Raises:
            StoreError: it cannot be asked for.
        """

    def indexes_of(self, digest: str) -> list[str]:
        """The digests of known indexes that list a manifest.

        Raises:
            StoreError: they cannot be asked for.
        """


class Manifest(msgspec.Struct, frozen=True):
    """The parts of an image manifest or index that matter for signatures."""

    media_type: str
    artifact_type: str
    """`artifactType`, or the media type of the configuration, which means the same."""
    layers: tuple[tuple[Descriptor, dict[str, str]], ...]
    """Layers with their annotations."""
    manifests: tuple[Descriptor, ...]
    subject: str


def read_manifest(raw: bytes) -> Manifest | None:
    """A manifest, or None where the bytes are none."""
    if len(raw) > MAX_MANIFEST_BYTES:
        return None
    try:
        value = mapping(json.loads(raw))
    except (ValueError, RecursionError):
        return None
    layers, manifests = sequence(value.get("layers")), sequence(value.get("manifests"))
    if not value or not ("layers" in value or "manifests" in value or "config" in value):
        return None
    config = strings(value.get("config")).get("mediaType", "")
    return Manifest(
        media_type=strings(value).get("mediaType", ""),
        artifact_type=strings(value).get("artifactType") or config,
        layers=tuple((d, strings(mapping(e).get("annotations"))) for e, d in _described(layers)),
        manifests=tuple(d for _, d in _described(manifests)),
        subject=strings(value.get("subject")).get("digest", ""),
    )


def _described(entries: list[Any]) -> list[tuple[Any, Descriptor]]:
    found = []
    for entry in entries:
        fields = strings(entry)
        size = mapping(entry).get("size")
        digest = fields.get("digest", "")
        number = size if type(size) is int else 0
        kind = fields.get("artifactType", "")
        found.append((entry, Descriptor(digest, fields.get("mediaType", ""), number, kind)))
    return found
