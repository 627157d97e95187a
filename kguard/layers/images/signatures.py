# SPDX-License-Identifier: Apache-2.0
"""Is an image signed by someone trusted, as far as the given evidence tells?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kguard.layers.images.progress import Counts
from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import How, RootFact, Signature, SignatureClass
from kguard.model.layer import Request
from kguard.model.manifests import Manifest

if TYPE_CHECKING:
    from kguard.layers.images.evidence.folder import Asked, Folder
    from kguard.layers.images.registries import Registries
    from kguard.layers.images.trust import Trusted
    from kguard.layers.images.verification.bundles import Check
    from kguard.layers.images.verification.judge import Authorities, Verdict


class Assessment(msgspec.Struct, frozen=True):
    """What is known about the signatures of one image."""

    signature: SignatureClass
    reason: str
    signer: str = ""
    issuer: str = ""
    format: str = ""
    location: str = ""
    signatures: tuple[Signature, ...] = ()
    because: tuple[Evidence, ...] = ()


NOT_ASKED = Assessment(
    "not_evaluated", "no evidence about signatures was given (--evidence, --registry)"
)
THREADS = 128
"""Images that are judged at once: more than a host is asked about (`gate.AT_ONCE`), so that it is
not idle while answers are verified."""

INCOMPLETE = "the evidence holds no signature of it, and does not say that all places were asked"

_ERRORS: Mapping[str, SignatureClass] = {
    "auth": "unknown_auth",
    "rate_limited": "unknown_rate_limited",
    "unreachable": "unknown_unreachable",
    "not_found": "not_found",
}
_WORDS = {
    "auth": "the registry refused access",
    "rate_limited": "the registry refused further requests",
    "unreachable": "the registry did not answer",
    "not_found": "the registry does not have it",
}


class Assessor:
    """Answers for images from the evidence folders of a request, and from registries if asked."""

    def __init__(
        self,
        folders: Sequence[Folder],
        trusted: Trusted,
        now: datetime,
        registries: Registries | None = None,
    ) -> None:
        self._folders = folders
        self._trusted = trusted
        self._now = now
        self.registries = registries
        """Who is asked about what the folders do not know; None for nobody."""
        self._known: dict[tuple[str, str], Assessment] = {}
        self._check: Check | None = None
        """Who checks bundles, while many images are assessed."""

    def prepare(
        self,
        wanted: Iterable[tuple[Reference, str]],
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Ask registries about several images (with the digests that are known) at once."""
        if self.registries is None:
            return
        from concurrent.futures import ThreadPoolExecutor, as_completed

        from kguard.layers.images.verification.assistant import helped

        pairs = sorted({*wanted})
        counts = Counts((reference.registry for reference, _ in pairs), progress)
        with helped(len(pairs)) as self._check, ThreadPoolExecutor(THREADS) as pool:
            running = {pool.submit(self._prepared, *pair): pair[0].registry for pair in pairs}
            for done in as_completed(running):
                done.result()
                counts.one(running[done])
        self._check = None

    def _prepared(self, reference: Reference, digest: str) -> None:
        named = "" if reference.digest else self.digest_of(reference)
        self.assess(reference, digest or named)

    @property
    def problems(self) -> list[str]:
        """What of the evidence or the trust settings cannot be read."""
        found = [problem for folder in self._folders for problem in folder.problems]
        return sorted({*found, *self._trusted.problems})

    @property
    def trusted(self) -> list[str]:
        """Who is trusted, in words."""
        return self._trusted.words

    @property
    def keys(self) -> dict[str, str]:
        """The trusted keys: PEM by fingerprint."""
        return {key.fingerprint: key.pem for key in self._trusted.all_keys}

    @property
    def roots(self) -> list[RootFact]:
        """How old the trusted roots are."""
        return self._trusted.root_facts(self._now)

    @property
    def images(self) -> int:
        """How many images the evidence is about."""
        return len({digest for folder in self._folders for digest in _subjects(folder)})

    def digest_of(self, reference: Reference) -> str:
        """What the tag of a reference named when the evidence was collected, or names now."""
        for folder in self._folders:
            if digest := folder.resolve(reference.tagged):
                return digest
        return self.registries.digest_of(reference) if self.registries else ""

    def how(self, reference: Reference) -> How:
        """Who said which digest a tag names."""
        in_folder = any(folder.resolve(reference.tagged) for folder in self._folders)
        return "evidence_tag" if in_folder else "registry_tag"

    def moved(self, reference: Reference, digest: str) -> tuple[Truth, str]:
        """Whether the tag of a reference names something else than a digest, and what.

        A tag that names an index names each of the manifests that it lists.
        """
        now = self.digest_of(reference)
        if not now:
            return "unknown", ""
        same = now == digest or any(now in folder.indexes_of(digest) for folder in self._folders)
        if not same and self.registries is not None:
            same = self.registries.lists(reference, digest)
        return ("false", "") if same else ("true", now)

    def assess(
        self, reference: Reference, digest: str, elsewhere: Reference | None = None
    ) -> Assessment:
        """What is known about the signatures of an image.

        Args:
            reference: how it is named; who may sign it depends on that.
            digest: what it is.
            elsewhere: another repository from which a node has it, to look in where the image is
                not in its own.
        """
        key = (reference.text, digest)
        if key not in self._known:
            self._known[key] = self._assess(reference, digest, reference)
        found = self._known[key]
        if found.signature != "not_found" or elsewhere is None:
            return found
        other = self._assess(elsewhere, digest, reference)
        if other.signature == "not_found":
            return found
        reason = f"in {elsewhere.context}, from where the node has it: {other.reason}"
        return msgspec.structs.replace(other, reason=reason)

    def _assess(self, place: Reference, digest: str, named: Reference) -> Assessment:
        if not digest:
            return self._no_digest(place)
        holder = next((f for f in self._folders if f.holds(digest)), None)
        if holder is None and self.registries is not None:
            authorities = self._authorities(named)
            return said(self.registries.assess(place, digest, authorities, self._now))
        if holder is None:
            return self._nothing()
        record = holder.about(digest, place.context)
        if record is not None and record.error:
            return _not_fetched(record)
        return self._judge(holder, place, digest, named)

    def _authorities(self, named: Reference) -> Authorities:
        found = self._trusted.authorities(named)
        if self._check is None:
            return found
        return msgspec.structs.replace(found, check=self._check)

    def _no_digest(self, reference: Reference) -> Assessment:
        for folder in self._folders:
            asked = folder.names.get(reference.tagged)
            if asked is not None and asked.error:
                return _not_fetched(asked)
        if self.registries is not None:
            return said(self.registries.no_digest(reference))
        reason = "its digest is not known, so that no signature can be looked up"
        return Assessment("not_evaluated", reason)

    def _nothing(self) -> Assessment:
        """Nothing about an image: where the evidence is broken, it may have been there."""
        broken = [problem for folder in self._folders for problem in folder.problems]
        if broken:
            return Assessment("unknown_unreadable", f"the evidence cannot be read: {broken[0]}")
        return Assessment("not_evaluated", "the evidence holds nothing about it")

    def _judge(self, folder: Folder, place: Reference, digest: str, named: Reference) -> Assessment:
        from kguard.layers.images.assess import assess
        from kguard.layers.images.evidence.view import View

        authorities = self._trusted.authorities(named)
        loose = folder.loose.get(digest, [])
        verdict = assess(View(folder, place), digest, authorities, self._now, loose)
        complete = folder.is_complete(digest, place.context)
        return _assessment(verdict, _evidence(folder, verdict), complete=complete)


def open_assessor(
    request: Request,
    policies: Sequence[Manifest],
    trust_roots: Sequence[Manifest] = (),
    secrets: Callable[[str, str], Manifest | None] = lambda namespace, name: None,  # noqa: ARG005
) -> Assessor | None:
    """The assessor for the evidence that a request names; None where it names none.

    Args:
        request: names folders, roots, keys and signers.
        policies: the image policies of the input, which say whom the cluster trusts; they count
            where the request names nobody.
        trust_roots: the TrustRoot objects that they name.
        secrets: the Secret of a namespace and name, in which their keys may lie.
    """
    if not request.evidence_dirs and not request.registry:
        return None
    from kguard.layers.images.evidence.folder import Folder
    from kguard.layers.images.trust import add_stores, read_trust
    from kguard.layers.images.trust_policies import add_policies

    folders = [Folder(Path(name)) for name in request.evidence_dirs]
    for folder in folders:
        if not folder.path.is_dir():
            folder.problems.append(f"{folder.path}: there is no such folder")
    trusted = read_trust(request.trust_roots, request.identities)
    add_stores(trusted, request.settings.get("notation", []))
    if trusted.names_nobody:
        add_policies(trusted, policies, trust_roots, secrets, request.at)
    registries = None
    if request.registry:
        from kguard.layers.images.registries import Registries, settings_of

        registries = Registries(settings_of(request.settings.get("registries", {})))
        registries.look_where(policies)
    return Assessor(folders, trusted, request.at, registries)


def _subjects(folder: Folder) -> set[str]:
    """The digests of images (not of what refers to them)."""
    known = {
        digest
        for digest, manifest in folder.manifests.items()
        if not manifest.subject and (manifest.layers or manifest.manifests)
    }
    return known | set(folder.record) | set(folder.loose)


def _not_fetched(asked: Asked) -> Assessment:
    error = asked.error or "unreachable"
    detail = f": {asked.detail}" if asked.detail else ""
    return Assessment(_ERRORS[error], _WORDS[error] + detail)


def _evidence(folder: Folder, verdict: Verdict) -> tuple[Evidence, ...]:
    """The other signatures that were found; the best one is the reason itself."""
    others = [s for s in verdict.signatures if s is not verdict.best]
    return tuple(
        Evidence(note=f"{folder.path.name}, {s.location}: {s.reason}", role="related")
        for s in others[:_SHOWN]
    )


_SHOWN = 5


def _assessment(verdict: Verdict, because: tuple[Evidence, ...], *, complete: bool) -> Assessment:
    """What a verdict on the content of a folder amounts to."""
    if verdict.signature in ("unsigned", "not_found") and not complete:
        reason = (
            "the evidence holds no signature of it, and does not say that all places were asked"
        )
        return Assessment("not_evaluated", reason, because=because)
    return said(verdict, because)


def said(verdict: Verdict, because: tuple[Evidence, ...] = ()) -> Assessment:
    """A verdict as it stands."""
    best = verdict.best
    return Assessment(
        signature=verdict.signature,
        reason=verdict.reason,
        signer=best.signer if best else "",
        issuer=best.issuer if best else "",
        format=best.format if best else "",
        location=best.location if best else "",
        signatures=verdict.signatures,
        because=because,
    )
