# SPDX-License-Identifier: Apache-2.0
"""Whom does the user trust?

Trust comes from the settings, never from the evidence: whoever can write a signature into a
folder could write a key beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from kguard.layers.images.semantics.globs import (
    glob_admits,
    glob_matches_or_not,
    kyverno_name,
    wildcard_matches,
)
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.references import Reference
from kguard.layers.images.verification.judge import Authorities
from kguard.layers.images.verification.keys import PublicKey, load_pem
from kguard.layers.images.verification.notation import TrustStore, read_store
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import TrustedRoot, parse_root, parse_roots
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import RootFact
from kguard.model.manifests import strings

MAX_TRUST_BYTES = 4 << 20
_PUBLIC = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")


class Scope(msgspec.Struct, frozen=True):
    """For which images a signer or key counts."""

    glob: str
    written_for: Literal["user", "policy-controller", "kyverno"] = "user"
    """By whose rules the pattern is read."""

    def covers(self, reference: Reference) -> bool:
        """Whether it is about an image."""
        if self.written_for == "policy-controller":
            return glob_admits(self.glob, reference)
        if self.written_for == "kyverno":
            return wildcard_matches(self.glob, kyverno_name(reference))
        return glob_matches_or_not(self.glob, reference.text or reference.name)


class Trusted(msgspec.Struct):
    """Roots, keys and signers that the user trusts, with what could not be read."""

    roots: list[TrustedRoot]
    keys: list[PublicKey]
    identities: list[tuple[Scope, Identity]]
    """Signers with the images for which they count."""
    limited_keys: list[tuple[Scope, PublicKey]]
    """Keys with the images for which they count."""
    words: list[str]
    problems: list[str]
    bound: list[tuple[Scope, TrustedRoot, Identity]] = []
    """Signers that count only with certificates of a root of their own."""
    notation: list[tuple[Scope, TrustStore]] = []
    """Trust stores of the Notary Project with the images for which they count."""
    named_roots: list[tuple[str, Literal["public", "file", "trust_root"], TrustedRoot]] = []
    """Every root with its name and where it comes from."""
    unread: list[tuple[Scope, str]] = []
    """Authorities that cannot be judged, with their images, and why."""

    @property
    def all_keys(self) -> list[PublicKey]:
        """Every key that counts for some image."""
        return [*self.keys, *(key for _, key in self.limited_keys)]

    @property
    def names_nobody(self) -> bool:
        """Whether the user said neither a key nor a signer."""
        return not (self.keys or self.limited_keys or self.identities)

    def authorities(self, reference: Reference) -> Authorities:
        """Whom one trusts for an image."""
        keys = [key for scope, key in self.limited_keys if scope.covers(reference)]
        bound = tuple((root, i) for scope, root, i in self.bound if scope.covers(reference))
        return Authorities(
            roots=tuple(self.roots),
            keys=tuple(self.keys + keys),
            identities=tuple(i for scope, i in self.identities if scope.covers(reference)),
            bound=bound,
            notation=tuple(s for scope, s in self.notation if scope.covers(reference)),
            adapts=True,
            unread=tuple(why for scope, why in self.unread if scope.covers(reference)),
        )

    def root_facts(self, now: datetime) -> list[RootFact]:
        """How old the trusted roots are."""
        return [_root_fact(name, kind, root, now) for name, kind, root in self.named_roots]


def public_root() -> TrustedRoot:
    """The root of the public Sigstore instance, as the installed `sigstore` brings it.

    Raises:
        RejectedError: the installed version brings none.
    """
    return parse_root(public_root_bytes())


def public_root_bytes() -> bytes:
    """The file with that root.

    Raises:
        RejectedError: the installed version brings none.
    """
    try:
        return files("sigstore").joinpath(*_PUBLIC).read_bytes()
    except OSError:
        raise RejectedError("unverifiable_offline", "no public trusted root") from None


def public_expiry() -> datetime | None:
    """Until when the metadata of the public root that `sigstore` brings is good."""
    try:
        raw = files("sigstore").joinpath(*_PUBLIC[:-1], "root.json").read_bytes()
        return msgspec.convert(strings(json.loads(raw)["signed"])["expires"], datetime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _root_fact(
    name: str, kind: Literal["public", "file", "trust_root"], root: TrustedRoot, now: datetime
) -> RootFact:
    expires = public_expiry() if kind == "public" else None
    newest, ends = root.newest, [authority.period.end for authority in root.authorities]
    ended = bool(ends) and all(end is not None and end < now for end in ends)
    expired = expires is not None and expires < now
    known = expires is not None or ended
    note = "none of its certificate authorities is valid any more" if ended else ""
    if expired and expires is not None:
        note = f"its metadata expired on {expires.date()}: a later rotation of keys is missed"
    return RootFact(
        name=name,
        origin=kind,
        newest=newest.date().isoformat() if newest else "",
        age_days=max((now - newest).days, 0) if newest else -1,
        expires=expires.date().isoformat() if expires else "",
        stale="true" if ended or expired else "false" if known else "unknown",
        because=[Evidence(note=f"{name}: {note}")] if note else [],
    )


def read_trust(paths: Sequence[str], identities: Sequence[dict[str, str]]) -> Trusted:
    """Read the files and signers that a request names; without a root the public one counts."""
    found = Trusted([], [], [], [], [], [], [], [])
    for path in paths:
        _read(path, "", found)
    for entry in identities:
        _identity(entry, found)
    if not found.roots:
        try:
            root = public_root()
            found.roots.append(root)
            found.named_roots.append(("the public Sigstore instance", "public", root))
        except RejectedError as error:
            found.problems.append(error.reason)
    return found


def add_stores(found: Trusted, stores: Sequence[dict[str, Any]]) -> None:
    """Read the trust stores of the Notary Project that the settings name."""
    for entry in stores:
        path, glob = str(entry["certificates"]), str(entry["images"])
        raw = _bytes(path, found)
        if raw is None:
            continue
        try:
            store = read_store(raw, tuple(entry["subjects"]))
        except RejectedError as error:
            found.problems.append(f"{path}: {error.reason}")
            continue
        found.notation.append((Scope(glob), store))
        found.words.append(f"the trust store {Path(path).name} for {glob}")


def _bytes(path: str, found: Trusted) -> bytes | None:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(MAX_TRUST_BYTES + 1)
    except OSError as error:
        found.problems.append(f"{path}: {error.strerror}")
        return None


def _read(path: str, glob: str, found: Trusted) -> None:
    raw = _bytes(path, found)
    if raw is None:
        return
    try:
        if raw.lstrip().startswith(b"{"):
            for root in parse_roots(raw):
                found.roots.append(root)
                found.named_roots.append((Path(path).name, "file", root))
            found.words.append(f"the authorities of {path}")
            return
        key = load_pem(raw)
    except RejectedError as error:
        found.problems.append(f"{path}: {error.reason}")
        return
    found.words.append(f"the key {key.fingerprint} ({path})" + (f" for {glob}" if glob else ""))
    if glob:
        found.limited_keys.append((Scope(glob), key))
    else:
        found.keys.append(key)


def _identity(entry: dict[str, str], found: Trusted) -> None:
    fields = {key.replace("-", "_").lower(): value for key, value in entry.items() if value}
    glob = fields.get("images", "**")
    if key := fields.get("key"):
        _read(key, glob, found)
        return
    identity = Identity(
        issuer=fields.get("issuer", ""),
        issuer_regexp=fields.get("issuer_regexp", fields.get("issuerregexp", "")),
        subject=fields.get("subject", ""),
        subject_regexp=fields.get("subject_regexp", fields.get("subjectregexp", "")),
    )
    found.identities.append((Scope(glob), identity))
    found.words.append(f"{identity.text} for {glob}")
