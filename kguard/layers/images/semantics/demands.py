# SPDX-License-Identifier: Apache-2.0
"""Whose signature do the cluster's own policies demand, and for which images?

So that a scan can say whether an image would pass *your* policy: the authorities of sigstore's
ClusterImagePolicy, of Kyverno's `verifyImages` and of its ImageValidatingPolicy. An authority that
cannot be judged (a key management service, an expression) says so: an image that it might accept is
neither accepted nor refused.

Authority: sigstore/policy-controller v0.13.1 pkg/reconciler/clusterimagepolicy
(`inlineAndTrackSecret`) and pkg/webhook/validator.go (an authority with `ca-cert` has no `url`, and
is refused for that: nothing satisfies it); kyverno/kyverno v1.15 api/kyverno/v1
/image_verification_types.go and pkg/cosign/cosign.go (`k8s://` and `secret`, `roots`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.policy_controller import GROUP, read_identity
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


Enforcer = Literal["policy-controller", "kyverno"]
_CONTROLLER = "cosign-system"
"""Where policy-controller looks for Secrets, whatever namespace the policy names."""
_COSIGN_KEY = "cosign.pub"
"""Under which name cosign keeps a public key in a Secret."""


class Secret(msgspec.Struct, frozen=True):
    """A Secret with a public key, and under which name; empty for the only one that it has."""

    namespace: str
    name: str
    entry: str = ""


class Demand(msgspec.Struct, frozen=True):
    """One authority, for the images of one pattern."""

    glob: str
    enforcer: Enforcer
    key: str = ""
    """A public key (PEM)."""
    identities: tuple[Identity, ...] = ()
    root: str = ""
    """The TrustRoot whose certificates count; empty for the roots that are given."""
    authorities: str = ""
    """Certificate authorities (PEM) that count instead of those of the given roots."""
    store: str = ""
    """A trust store of the Notary Project (PEM)."""
    secret: Secret | None = None
    """Where the key lies."""
    unread: str = ""
    """Why the authority cannot be judged."""


def demands_of(policy: Manifest) -> Iterator[Demand]:
    """The authorities of a policy, each for each of its patterns."""
    if policy.group == GROUP:
        yield from _of_controller(policy)
    elif "Validating" in policy.kind:
        globs = [strings(e).get("glob", "") for e in _list(policy.spec, "matchImageReferences")]
        for attestor in _list(policy.spec, "attestors"):
            yield from _each(globs or ["*"], _of_attestor(attestor))
    else:
        for rule in _list(policy.spec, "rules"):
            for check in _list(rule, "verifyImages"):
                yield from _of_rule(check)


def _list(fields: JsonObject, name: str) -> list[JsonObject]:
    return [mapping(entry) for entry in sequence(fields.get(name))]


def _each(globs: list[str], found: Iterable[Demand]) -> Iterator[Demand]:
    for demand in found:
        yield from (msgspec.structs.replace(demand, glob=glob) for glob in globs)


def _of_controller(policy: Manifest) -> Iterator[Demand]:
    globs = [glob for e in _list(policy.spec, "images") if (glob := strings(e).get("glob", ""))]
    for authority in _list(policy.spec, "authorities"):
        yield from _each(globs, _of_authority(authority))


def _of_authority(authority: JsonObject) -> Iterator[Demand]:
    kind: Enforcer = "policy-controller"
    if key := mapping(authority.get("key")):
        reference = {**mapping(key.get("secretRef")), "namespace": _CONTROLLER}
        yield _key_demand(kind, key, reference, _CONTROLLER)
    keyless = mapping(authority.get("keyless"))
    identities = tuple(map(read_identity, _list(keyless, "identities")))
    if keyless.get("ca-cert"):
        yield Demand("", kind)  # nobody: see above
    elif identities:
        yield Demand("", kind, "", identities, strings(keyless).get("trustRootRef", ""))


def _key_demand(
    kind: Enforcer, key: JsonObject, secret: JsonObject, namespace: str, entry: str = ""
) -> Demand:
    """A key that stands in the policy, in a Secret, or somewhere else."""
    text = strings(key)
    if data := text.get("data"):
        return Demand("", kind, data)
    if name := strings(secret).get("name"):
        found = Secret(strings(secret).get("namespace") or namespace, name, entry)
        return Demand("", kind, secret=found)
    if place := text.get("kms"):
        return _elsewhere(kind, place)
    return Demand("", kind, unread="its key cannot be read from the policy")


def _elsewhere(kind: Enforcer, place: str) -> Demand:
    """A key that only somebody else has; `k8s://namespace/name` is a Secret after all."""
    scheme, _, path = place.partition("://")
    namespace, _, name = path.partition("/")
    if scheme == "k8s" and namespace and name:
        return Demand("", kind, secret=Secret(namespace, name, _COSIGN_KEY))
    return Demand("", kind, unread=f"its key lies in a key management service ({place[:80]})")


def _of_rule(check: JsonObject) -> Iterator[Demand]:
    globs = [text for text in sequence(check.get("imageReferences")) if isinstance(text, str)]
    globs += [text] if isinstance(text := check.get("image"), str) else []
    notary = check.get("type") == "Notary"
    for attestor in _list(check, "attestors"):
        for entry in _list(attestor, "entries"):
            yield from _each(globs, _of_notary(entry) if notary else _of_entry(entry))


def _of_entry(entry: JsonObject) -> Iterator[Demand]:
    if keys := mapping(entry.get("keys")):
        text = strings(keys).get("publicKeys", "")
        found = _KEY.findall(text)
        yield from (Demand("", "kyverno", key) for key in found)
        if not found and "://" in text:
            yield _elsewhere("kyverno", text.strip())
        elif not found:
            yield _key_demand("kyverno", keys, mapping(keys.get("secret")), "kyverno", _COSIGN_KEY)
    if "keyless" in entry:
        keyless = mapping(entry["keyless"])
        roots = strings(keyless).get("roots", "")
        yield Demand("", "kyverno", "", (_wild(keyless),), authorities=roots)
    if "certificates" in entry:
        yield Demand("", "kyverno", unread="certificates of signers are not judged")
    if "attestor" in entry:
        yield Demand("", "kyverno", unread="an attestor within an attestor is not judged")


def _of_notary(entry: JsonObject) -> Iterator[Demand]:
    text = strings(entry.get("certificates"))
    pem = "\n".join(text[name] for name in ("cert", "certChain") if text.get(name))
    if "-----BEGIN CERTIFICATE-----" in pem:
        yield Demand("", "kyverno", store=pem)
    else:
        yield Demand("", "kyverno", unread="its trust store cannot be read from the policy")


def _of_attestor(attestor: JsonObject) -> Iterator[Demand]:
    """An attestor of an ImageValidatingPolicy."""
    cosign, notary = mapping(attestor.get("cosign")), mapping(attestor.get("notary"))
    if notary:
        yield from _of_notary({"certificates": {"cert": strings(notary.get("certs")).get("value")}})
    if key := mapping(cosign.get("key")):
        yield _key_demand("kyverno", key, {}, "")
    keyless = mapping(cosign.get("keyless"))
    identities = tuple(map(_wild, _list(keyless, "identities")))
    if identities:
        yield Demand("", "kyverno", "", identities, authorities=strings(keyless).get("roots", ""))
    elif keyless:
        yield Demand("", "kyverno", unread="its keyless attestor names no identity")
    if "certificate" in cosign:
        yield Demand("", "kyverno", unread="certificates of signers are not judged")


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
