# SPDX-License-Identifier: Apache-2.0
"""Is an image signed by someone trusted, as far as its registry tells now?"""

from __future__ import annotations

from datetime import datetime

from kguard.layers.images.assess import assess
from kguard.layers.images.evidence.remote import Repository
from kguard.layers.images.evidence.store import StoreError
from kguard.layers.images.semantics.references import DEFAULT_TAG, Reference
from kguard.layers.images.signatures import Assessment, said
from kguard.layers.images.verification.judge import Authorities
from kguard.sources.registry import Client, Settings


class Registries:
    """Asks registries, each image once; safe to be used by several threads."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008 - frozen
        self._client = Client(settings)
        self._repositories: dict[str, Repository] = {}
        self._failed: dict[str, Assessment] = {}

    def repository(self, reference: Reference) -> Repository:
        """Where the manifests and signatures of an image lie."""
        return self._repositories.setdefault(reference.tagged, Repository(self._client, reference))

    def digest_of(self, reference: Reference) -> str:
        """What the tag of a reference names now; empty where the registry does not tell."""
        if reference.tagged in self._failed:
            return ""
        try:
            return self.repository(reference).tag(reference.tag or DEFAULT_TAG)
        except StoreError as error:
            self._failed[reference.tagged] = Assessment(error.verdict, error.reason)
            return ""

    def no_digest(self, reference: Reference) -> Assessment:
        """Why a tag has no digest."""
        gone = Assessment("not_found", f"the registry has no {reference.tagged}")
        return self._failed.get(reference.tagged, gone)

    def assess(
        self, reference: Reference, digest: str, authorities: Authorities, now: datetime
    ) -> Assessment:
        """Look in all places of the repository, and judge what is there."""
        return said(assess(self.repository(reference), digest, authorities, now))
