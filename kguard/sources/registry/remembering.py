# SPDX-License-Identifier: Apache-2.0
"""What does a registry say, where some of it may be known from before?

Content by digest is believed from the cache. A tag that named something is asked for with HEAD,
which costs a registry little and is not counted as a pull; what an API listed, and that something
was not there, is believed for ten minutes, unless the caller wants it fresh.
"""

from __future__ import annotations

import base64
import json
import time

from kguard.model.digests import digest_of
from kguard.sources.registry.cache import Cache, Pointer
from kguard.sources.registry.client import MAX_BLOB_BYTES, Client

REMEMBERED_SECONDS = 600.0


class Remembering:
    """One repository, asked through the cache; for one thread.

    Args:
        client: asks registries.
        cache: what they answered before.
        registry: the host.
        repository: the path below it.
        fresh: whether absences and lists are asked for again.
    """

    def __init__(
        self, client: Client, cache: Cache, registry: str, repository: str, *, fresh: bool = False
    ) -> None:
        self._client = client
        self._cache = cache
        self._where = (registry, repository)
        self._name = f"{registry}/{repository}"
        self._fresh = fresh
        self.remembered = False
        """Whether an absence or a list was believed."""

    def manifest(self, digest: str, *, listed: bool) -> bytes | None:
        """A manifest by digest; `listed`: the repository itself just named it.

        Raises:
            RegistryError: as of all methods: the registry does not answer.
        """
        name = f"{self._name}@{digest}"
        known = self._cache.content(digest)
        if known is not None and (listed or self._young(self._cache.pointer(name))):
            return known
        if known is not None and self._client.pointer(*self._where, digest) is not None:
            self._cache.point(name, digest)
            return known
        raw = self._client.manifest(*self._where, digest)
        if raw is not None:
            self._cache.keep(digest, raw)
            self._cache.point(name, digest)
        return raw

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        """A blob of at most so many bytes."""
        raw = self._cache.content(digest)
        if raw is None:
            raw = self._client.blob(*self._where, digest, size)
            if raw is not None:
                self._cache.keep(digest, raw)
        return raw if raw is None or len(raw) <= size else raw[: size + 1]

    def tag(self, tag: str) -> tuple[str, bytes]:
        """The digest that a tag names, and the manifest; both empty where there is none."""
        name = f"{self._name}:{tag}"
        known = self._cache.pointer(name)
        if known and not known.digest and self._young(known):
            return "", b""
        if known and known.digest:
            raw = self._cache.content(known.digest)
            if raw and self._client.pointer(*self._where, tag) == known.digest:
                return known.digest, raw
        raw = self._client.manifest(*self._where, tag)
        digest = "" if raw is None else digest_of(raw)
        if raw is not None:
            self._cache.keep(digest, raw)
        self._cache.point(name, digest)
        return digest, raw or b""

    def referrers(self, digest: str) -> list[bytes] | None:
        """The pages of the list of what refers to a manifest; None without such an API."""
        name = f"{self._name}?referrers={digest}"
        known = self._cache.pointer(name)
        if known and self._young(known):
            if not known.digest:
                return None
            raw = self._cache.content(known.digest)
            if raw is not None:
                return [base64.b64decode(page) for page in json.loads(raw)]
        pages = self._client.referrers(*self._where, digest)
        if pages is None:
            self._cache.point(name, "")
        else:
            raw = json.dumps([base64.b64encode(page).decode() for page in pages]).encode()
            self._cache.keep(digest_of(raw), raw)
            self._cache.point(name, digest_of(raw))
        return pages

    def _young(self, pointer: Pointer | None) -> bool:
        """Whether an answer may still be believed."""
        if pointer is None or self._fresh:
            return False
        age = time.time() - pointer.at
        believed = 0 <= age < REMEMBERED_SECONDS
        self.remembered |= believed
        return believed
