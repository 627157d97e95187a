# SPDX-License-Identifier: Apache-2.0
"""Whom does the user trust?

Trust comes from the settings, never from the evidence: whoever can write a signature into a
folder could write a key beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import msgspec

from kguard.layers.images.semantics.globs import glob_admits, glob_matches_or_not
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.policy_controller import read_identity
from kguard.layers.images.semantics.references import Reference
from kguard.layers.images.verification.judge import Authorities
from kguard.layers.images.verification.keys import PublicKey, load_pem
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import TrustedRoot, parse_root
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

MAX_TRUST_BYTES = 4 << 20
_PUBLIC = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")


class Scope(msgspec.Struct, frozen=True):
    """For which images a signer or key counts."""

    glob: str
    of_policy: bool = False
    """Whether it stands in a ClusterImagePolicy, whose globs never see a tag."""

    def covers(self, reference: Reference) -> bool:
        """Whether it is about an image."""
        if self.of_policy:
            return glob_admits(self.glob, reference)
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

    @property
    def all_keys(self) -> list[PublicKey]:
        """Every key that counts for some image."""
        return [*self.keys, *(key for _, key in self.limited_keys)]

    @property
    def names_nobody(self) -> bool:
        """Whether the user said neither a key nor a signer."""
        return not (self.keys or self.limited_keys or self.identities)

    def add_policies(self, policies: Sequence[Manifest]) -> None:
        """Take the cluster's own word: the authorities of its ClusterImagePolicies.

        They count for the images of their globs only, and only where the user named nobody.
        """
        for policy in policies:
            globs = [strings(e).get("glob", "") for e in sequence(policy.spec.get("images"))]
            for authority in map(mapping, sequence(policy.spec.get("authorities"))):
                for glob in filter(None, globs):
                    self._add_authority(policy, authority, glob)

    def _add_authority(self, policy: Manifest, authority: JsonObject, glob: str) -> None:
        words = f"{policy.ref} for {glob}"
        if pem := strings(authority.get("key")).get("data"):
            try:
                self.limited_keys.append((Scope(glob, of_policy=True), load_pem(pem.encode())))
            except RejectedError as error:
                self.problems.append(f"{policy.ref}: {error.reason}")
                return
            self.words.append(f"the key of {words}")
        keyless = mapping(authority.get("keyless"))
        if keyless.get("ca-cert") or keyless.get("trustRootRef"):
            return
        for entry in sequence(keyless.get("identities")):
            scope = Scope(glob, of_policy=True)
            self.identities.append((scope, read_identity(mapping(entry))))
            self.words.append(f"the signers of {words}")

    def authorities(self, reference: Reference) -> Authorities:
        """Whom one trusts for an image."""
        keys = [key for scope, key in self.limited_keys if scope.covers(reference)]
        return Authorities(
            roots=tuple(self.roots),
            keys=tuple(self.keys + keys),
            identities=tuple(i for scope, i in self.identities if scope.covers(reference)),
        )


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


def read_trust(paths: Sequence[str], identities: Sequence[dict[str, str]]) -> Trusted:
    """Read the files and signers that a request names; without a root the public one counts."""
    found = Trusted([], [], [], [], [], [])
    for path in paths:
        _read(path, "", found)
    for entry in identities:
        _identity(entry, found)
    if not found.roots:
        try:
            found.roots.append(public_root())
        except RejectedError as error:
            found.problems.append(error.reason)
    return found


def _read(path: str, glob: str, found: Trusted) -> None:
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(MAX_TRUST_BYTES + 1)
    except OSError as error:
        found.problems.append(f"{path}: {error.strerror}")
        return
    try:
        if raw.lstrip().startswith(b"{"):
            found.roots.append(parse_root(raw))
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
