# SPDX-License-Identifier: Apache-2.0
"""Whose signature do the cluster's own policies demand, and for which images?

So that a scan can say whether an image would pass *your* policy: the authorities of sigstore's
ClusterImagePolicy, of Kyverno's `verifyImages` and of its ImageValidatingPolicy. What they take
from elsewhere (Secrets, key management services, certificate authorities) is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.policy_controller import GROUP, read_identity
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class Demand(msgspec.Struct, frozen=True):
    """One authority, for the images of one pattern."""

    glob: str
    enforcer: Literal["policy-controller", "kyverno"]
    key: str = ""
    """A public key (PEM)."""
    identities: tuple[Identity, ...] = ()
    root: str = ""
    """The TrustRoot whose certificates count; empty for the roots that are given."""


def demands_of(policy: Manifest) -> Iterator[Demand]:
    """The authorities of a policy, each for each of its patterns."""
    if policy.group == GROUP:
        yield from _of_controller(policy)
    elif "Validating" in policy.kind:
        globs = [strings(e).get("glob", "") for e in _list(policy.spec, "matchImageReferences")]
        for attestor in _list(policy.spec, "attestors"):
            yield from _of_cosign(mapping(attestor.get("cosign")), globs or ["*"])
    else:
        for rule in _list(policy.spec, "rules"):
            for check in _list(rule, "verifyImages"):
                yield from _of_rule(check)


def _list(fields: JsonObject, name: str) -> list[JsonObject]:
    return [mapping(entry) for entry in sequence(fields.get(name))]


def _of_controller(policy: Manifest) -> Iterator[Demand]:
    globs = [glob for e in _list(policy.spec, "images") if (glob := strings(e).get("glob", ""))]
    for authority in _list(policy.spec, "authorities"):
        key = strings(authority.get("key")).get("data", "")
        keyless = mapping(authority.get("keyless"))
        identities: tuple[Identity, ...] = ()
        if not keyless.get("ca-cert"):
            identities = tuple(map(read_identity, _list(keyless, "identities")))
        root = strings(keyless).get("trustRootRef", "")
        for glob in globs if key or identities else ():
            yield Demand(glob, "policy-controller", key, identities, root)


def _of_rule(check: JsonObject) -> Iterator[Demand]:
    globs = [text for text in sequence(check.get("imageReferences")) if isinstance(text, str)]
    globs += [text] if isinstance(text := check.get("image"), str) else []
    for attestor in _list(check, "attestors"):
        for entry in _list(attestor, "entries"):
            keys = _KEY.findall(strings(entry.get("keys")).get("publicKeys", ""))
            yield from (Demand(glob, "kyverno", key) for glob in globs for key in keys)
            if "keyless" in entry:
                identity = _wild(mapping(entry["keyless"]))
                yield from (Demand(glob, "kyverno", "", (identity,)) for glob in globs)


def _of_cosign(cosign: JsonObject, globs: list[str]) -> Iterator[Demand]:
    if key := strings(cosign.get("key")).get("data"):
        yield from (Demand(glob, "kyverno", key) for glob in globs)
    identities = tuple(map(_wild, _list(mapping(cosign.get("keyless")), "identities")))
    if identities:
        yield from (Demand(glob, "kyverno", "", identities) for glob in globs)


def _wild(entry: JsonObject) -> Identity:
    """Kyverno takes `*` and `?` in exact values as wildcards."""
    found = read_identity(entry)
    changes: dict[str, Any] = {}
    for name in ("issuer", "subject"):
        text = getattr(found, name)
        if "*" in text or "?" in text:
            parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in text)
            changes |= {name: "", f"{name}_regexp": f"^{''.join(parts)}$"}
    return msgspec.structs.replace(found, **changes)
