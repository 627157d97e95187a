# SPDX-License-Identifier: Apache-2.0
"""Whom do the cluster's own image policies trust, and which authorities cannot be judged?"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kguard.layers.images.semantics.demands import Demand, Secret, demands_of
from kguard.layers.images.trust import Scope, Trusted
from kguard.layers.images.trust_objects import read_trust_root, with_authorities
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.notation import read_store
from kguard.layers.images.verification.rejected import RejectedError, missing
from kguard.layers.images.verification.trusted_root import TrustedRoot
from kguard.model.manifests import Manifest, strings
from kguard.sources.cluster.secrets import VALUES

Secrets = Callable[[str, str], Manifest | None]
"""The Secret of a namespace and name, if the input has it."""


def add_policies(
    trusted: Trusted,
    policies: Sequence[Manifest],
    trust_roots: Sequence[Manifest],
    secrets: Secrets,
    now: datetime,
) -> None:
    """Take the cluster's own word: the authorities of its image policies.

    They count for the images of their globs only, and only where the user named nobody.

    Args:
        trusted: what is added to.
        policies: of sigstore's policy-controller and of Kyverno.
        trust_roots: the TrustRoot objects that they name.
        secrets: where keys may lie.
        now: when the metadata of a TrustRoot must be good.
    """
    known = _Known(trusted, secrets)
    for manifest in trust_roots:
        try:
            root = read_trust_root(manifest, now)
        except RejectedError as error:
            trusted.problems.append(f"{manifest.ref}: {error.reason}")
            known.broken[manifest.name] = error.reason
            continue
        known.roots[manifest.name] = root
        trusted.named_roots.append((str(manifest.ref), "trust_root", root))
    for policy in policies:
        for demand in demands_of(policy):
            known.add(policy, demand)


class _Known:
    """The roots and Secrets that authorities refer to."""

    def __init__(self, trusted: Trusted, secrets: Secrets) -> None:
        self._trusted = trusted
        self._secrets = secrets
        self.roots: dict[str, TrustedRoot] = {}
        self.broken: dict[str, str] = {}
        """Why a TrustRoot cannot be used."""

    def add(self, policy: Manifest, demand: Demand) -> None:
        scope = Scope(demand.glob, demand.enforcer)
        words = f"{policy.ref} for {demand.glob}"
        try:
            self._add(scope, demand, words)
        except RejectedError as error:
            self._trusted.unread.append((scope, f"an authority of {policy.ref}: {error.reason}"))

    def _add(self, scope: Scope, demand: Demand, words: str) -> None:
        trusted = self._trusted
        if demand.unread:
            raise missing(demand.unread)
        if demand.key or demand.secret:
            key = load_pem(_key(demand.secret, self._secrets) or demand.key.encode())
            trusted.limited_keys.append((scope, key))
            trusted.words.append(f"the key of {words}")
        if demand.store:
            trusted.notation.append((scope, read_store(demand.store.encode(), ())))
            trusted.words.append(f"the trust store of {words}")
        own = self._root(demand)
        for identity in demand.identities:
            if own is None:
                trusted.identities.append((scope, identity))
            else:
                trusted.bound.append((scope, own, identity))
            trusted.words.append(f"the signers of {words}")

    def _root(self, demand: Demand) -> TrustedRoot | None:
        """The root that counts instead of those that are given."""
        if demand.authorities:
            return with_authorities(self._trusted.roots, demand.authorities.encode())
        if not demand.root:
            return None
        if demand.root not in self.roots:
            why = self.broken.get(demand.root, "it is not in the input")
            raise missing(f"TrustRoot {demand.root}: {why}")
        return self.roots[demand.root]


def _key(secret: Secret | None, secrets: Secrets) -> bytes:
    """The public key in a Secret.

    Raises:
        RejectedError: it is not in the input, or has none.
    """
    if secret is None:
        return b""
    name = f"{secret.namespace}/{secret.name}"
    found = secrets(secret.namespace, secret.name)
    if found is None:
        raise missing(f"its key lies in the Secret {name}, which is not in the input")
    plain = {k: v.encode() for k, v in strings(found.object.get("stringData")).items()}
    values = {**_decoded(strings(found.object.get("data"))), **plain}
    if secret.entry:
        key = values.get(secret.entry, b"")
    else:
        count = found.annotations.get(VALUES, str(len(values)))
        key = next(iter(values.values()), b"") if count == "1" else b""
    if _PUBLIC not in key:
        raise missing(f"the Secret {name} does not hold one public key")
    return key


_PUBLIC = b"-----BEGIN PUBLIC KEY-----"


def _decoded(data: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for name, value in data.items():
        try:
            found[name] = base64.b64decode(value)
        except (binascii.Error, ValueError):
            continue
    return found
