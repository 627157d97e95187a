# SPDX-License-Identifier: Apache-2.0
"""What must a place with images and signatures be able to answer?"""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from kguard.model.facts.images import SignatureClass

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


class _Described(msgspec.Struct):
    """A descriptor with the types that Go's decoder insists on."""

    mediaType: str | None = None  # noqa: N815 - the document's name
    digest: str | None = ""
    size: int | None = 0
    artifactType: str | None = None  # noqa: N815
    annotations: dict[str, str | None] | None = None
    urls: list[str | None] | None = None
    platform: dict[str, Any] | None = None

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(
            self.digest or "", self.mediaType or "", self.size or 0, self.artifactType or ""
        )

    @property
    def notes(self) -> dict[str, str]:
        return {key: value or "" for key, value in (self.annotations or {}).items()}


class _Document(msgspec.Struct):
    """An image manifest or index (google/go-containerregistry pkg/v1/manifest.go)."""

    schemaVersion: int | None = None  # noqa: N815
    mediaType: str | None = None  # noqa: N815
    artifactType: str | None = None  # noqa: N815
    config: _Described | msgspec.UnsetType | None = msgspec.UNSET
    layers: list[_Described | None] | msgspec.UnsetType | None = msgspec.UNSET
    manifests: list[_Described | None] | msgspec.UnsetType | None = msgspec.UNSET
    subject: _Described | None = None
    annotations: dict[str, str | None] | None = None


# What a struct of structs looks like, msgspec learns at its first use, and several threads that do
# so at once crash it.
msgspec.convert({}, _Document)


def read_manifest(raw: bytes) -> Manifest | None:
    """A manifest, or None where the bytes are none, or have a field of another type."""
    if len(raw) > MAX_MANIFEST_BYTES:
        return None
    try:
        value = msgspec.convert(json.loads(raw), _Document)
    except (ValueError, RecursionError):
        return None
    if not any(part is not msgspec.UNSET for part in (value.config, value.layers, value.manifests)):
        return None
    return Manifest(
        media_type=value.mediaType or "",
        artifact_type=value.artifactType or (value.config.mediaType or "" if value.config else ""),
        layers=tuple((entry.descriptor, entry.notes) for entry in _known(value.layers)),
        manifests=tuple(entry.descriptor for entry in _known(value.manifests)),
        subject=value.subject.digest or "" if value.subject else "",
    )


def _known(entries: list[_Described | None] | msgspec.UnsetType | None) -> list[_Described]:
    return [entry or _Described() for entry in entries or ()]
