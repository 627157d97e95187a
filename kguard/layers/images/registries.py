# SPDX-License-Identifier: Apache-2.0
"""Is an image signed by someone trusted, as far as its registry tells now?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from kguard.errors import ConfigError
from kguard.layers.images.assess import assess
from kguard.layers.images.evidence.remote import Repository
from kguard.layers.images.evidence.store import StoreError, read_manifest
from kguard.layers.images.semantics.references import (
    DEFAULT_TAG,
    InvalidReferenceError,
    Reference,
    parse_weakly,
)
from kguard.layers.images.semantics.signature_places import Place, signature_places
from kguard.layers.images.verification.judge import Authorities, Verdict
from kguard.model.manifests import Manifest
from kguard.sources.registry import Client, Keychain, Login, Remembering, Settings
from kguard.sources.registry.cache import Cache
from kguard.sources.registry.node_files import NodeFileError, read_node_files
from kguard.sources.registry.routes import signature_repository
from kguard.sources.registry.settings import Location, Mirror

_PASSES = ("verified", "signed_via_index")


def settings_of(values: dict[str, Any], *, plain_http: bool = False) -> Settings:
    """How registries are asked, from the block `registries` of kguard.yaml.

    Args:
        values: the block with its paths made absolute, and the folder of the cache.
        plain_http: whether registries may be asked without TLS.

    Raises:
        ConfigError: a file that it names cannot be read.
    """
    mirrors = [
        Mirror(entry["prefix"], tuple(map(Location, entry["locations"])), not entry["only"])
        for entry in values.get("mirrors", ())
    ]
    authorities = list(values.get("ca-files", ()))
    for name in values.get("node-files", ()):
        try:
            found, needed = read_node_files(Path(name))
        except NodeFileError as error:
            raise ConfigError(f"registries.node-files: {error}") from None
        mirrors += found
        authorities += needed
    for name in authorities:
        if not Path(name).is_file():
            raise ConfigError("there is no such file with certificate authorities", where=name)
    return Settings(
        plain_http=plain_http,
        plain_hosts=tuple(values.get("plain-http", ())),
        ca_files=tuple(authorities),
        mirrors=tuple(mirrors),
        signatures=tuple((e["prefix"], e["repository"]) for e in values.get("signatures", ())),
        cache=values.get("cache", ""),
    )


class Registries:
    """Asks registries, each image once; safe to be used by several threads."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008 - frozen
        self._settings = settings
        self._keychain = Keychain()
        self._client = Client(settings, self._keychain)
        self._cache = Cache(settings.cache)
        self._digests: dict[str, str] = {}
        self._failed: dict[str, Verdict] = {}
        self._listed: dict[str, frozenset[str]] = {}
        """What the indexes list that tags name."""
        self._open: dict[str, Repository] = {}
        """Repositories of which the tag is known, and not yet the signatures."""
        self._beside: list[Place] = []
        self._cache.sweep()

    def look_where(self, policies: Sequence[Manifest]) -> None:
        """Look for signatures where the cluster's own policies look, too."""
        for policy in policies:
            self._beside += signature_places(policy)

    def give(self, reference: Reference, logins: Iterable[Login]) -> None:
        """Logins for the repository of an image, beside those of the user's own files."""
        self._keychain.give(reference.registry, reference.repository, logins)

    def repository(self, reference: Reference, *, fresh: bool = False) -> Repository:
        """Where the manifests and signatures of an image lie."""
        return self._repository(reference, reference.tag or DEFAULT_TAG, fresh=fresh)

    def beside(self, reference: Reference, *, fresh: bool = False) -> list[Repository]:
        """Where else its signatures may lie."""
        named = signature_repository(self._settings, reference.registry, reference.repository)
        own = f"{reference.registry}/{reference.repository}"
        more = [(p.repository or own, p.prefix) for p in self._beside if p.counts(reference)]
        found = []
        for name, prefix in dict.fromkeys(pair for pair in ((named, ""), *more) if pair[0]):
            with suppress(InvalidReferenceError):
                place = parse_weakly(name)
                if prefix or place.context != reference.context:
                    found.append(self._repository(place, "", fresh=fresh, prefix=prefix))
        return found

    def _repository(
        self, reference: Reference, tag: str, *, fresh: bool, prefix: str = ""
    ) -> Repository:
        where = (reference.registry, reference.repository)
        source = Remembering(self._client, self._cache, *where, fresh=fresh)
        return Repository(source, tag, prefix)

    def digest_of(self, reference: Reference) -> str:
        """What the tag of a reference names now; empty where the registry does not tell."""
        name = reference.tagged
        if name not in self._digests:
            try:
                self._digests[name] = self._resolved(reference)
            except StoreError as error:
                self._failed[name] = Verdict(error.verdict, error.reason, None, ())
                self._digests[name] = ""
        return self._digests[name]

    def _resolved(self, reference: Reference) -> str:
        tag = reference.tag or DEFAULT_TAG
        found = self.repository(reference)
        digest = found.tag(tag)
        if not digest and found.remembered:
            found = self.repository(reference, fresh=True)
            digest = found.tag(tag)
        self._open[reference.tagged] = found
        index = read_manifest(found.manifest(digest) or b"") if digest else None
        if index and index.manifests:
            self._listed[reference.tagged] = frozenset(d.digest for d in index.manifests)
        return digest

    def lists(self, reference: Reference, digest: str) -> bool:
        """Whether the tag of a reference names an index that lists a manifest, as far as known."""
        return digest in self._listed.get(reference.tagged, ())

    def no_digest(self, reference: Reference) -> Verdict:
        """Why a tag has no digest."""
        gone = Verdict("not_found", f"the registry has no {reference.tagged}", None, ())
        return self._failed.get(reference.tagged, gone)

    def assess(
        self, reference: Reference, digest: str, authorities: Authorities, now: datetime
    ) -> Verdict:
        """Look in all places of the repository, and judge what is there.

        An earlier answer may confirm a signature. Nothing else is concluded from it: whatever is
        not verified is asked for again.
        """
        first = self._open.pop(reference.tagged, None) or self.repository(reference)
        stores = [first, *self.beside(reference)]
        found = assess(stores[0], digest, authorities, now, beside=stores[1:])
        if found.signature in _PASSES or not any(store.remembered for store in stores):
            return found
        beside = self.beside(reference, fresh=True)
        store = self.repository(reference, fresh=True)
        return assess(store, digest, authorities, now, beside=beside)
