# SPDX-License-Identifier: Apache-2.0
"""What does an evidence folder hold of one repository?"""

from __future__ import annotations

from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.evidence.store import MAX_BLOB_BYTES, Descriptor
from kguard.layers.images.semantics.references import Reference


class View:
    """A folder as a place to look for signatures in (`Store`), from where an image lies.

    The tag `sha256-<hex>.sig` of one repository is not that of another one with the same image.
    """

    def __init__(self, folder: Folder, reference: Reference) -> None:
        self._folder = folder
        self._context = reference.context

    def manifest(self, digest: str) -> bytes | None:
        """A manifest by digest."""
        return self._folder.manifest(digest)

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob by digest."""
        return self._folder.blob(digest, size)

    def referrers(self, digest: str) -> list[Descriptor]:
        """The manifests whose `subject` is an image."""
        return self._folder.referrers(digest)

    def tag(self, name: str) -> str:
        """The digest that a tag names: in this repository, else wherever the folder has it."""
        return self._folder.tags.get(f"{self._context}:{name}") or self._folder.tag(name)

    def indexes_of(self, digest: str) -> list[str]:
        """The indexes that list a manifest."""
        return self._folder.indexes_of(digest)
