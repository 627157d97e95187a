# SPDX-License-Identifier: Apache-2.0
"""Which policy makes the installed enforcer demand the signature that an image has?

Only for images whose signature is known to hold and whose format the enforcer reads: exact
issuer and subject, or the key, never an expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kguard.layers.images.remedy.passing import why_stopped
from kguard.layers.images.semantics.kyverno import NEW_GROUP
from kguard.layers.images.semantics.policy_controller import GROUP
from kguard.layers.images.semantics.predicates import SIGN_PREDICATES
from kguard.layers.images.semantics.references import DOCKER_HUB
from kguard.layers.images.semantics.visibility import (
    BUNDLE_KEYLESS,
    LEGACY_EMAIL,
    LEGACY_KEY,
    LEGACY_URI,
    kind_of,
)
from kguard.model.facts.images import ImageUse
from kguard.model.findings import Finding
from kguard.model.manifests import JsonObject
from kguard.model.remedies import Cannot, Create, Proposal, RemedyRequest

_MAX_NAME = 50


def demand(finding: Finding, use: ImageUse, request: RemedyRequest) -> Proposal:
    """A new policy for the repository of an image, or the reason why there can be none."""
    if use.signature != "verified":
        return Cannot(
            (finding.fingerprint,),
            f"whose signature {use.image} should carry is not known: {use.signature_reason}",
            f"sign it, or add a pattern for it to a policy of {use.enforcer}",
        )
    make = _MAKERS.get(use.enforcer)
    if make is None:
        hint = f"add the scope {use.reference} to an image policy"
        return Cannot((finding.fingerprint,), f"nothing is generated for {use.enforcer}", hint)
    kind = kind_of(use.format, use.signer, use.issuer)
    if kind not in _DEMANDED[use.enforcer]:
        return Cannot(
            (finding.fingerprint,),
            f"{use.enforcer} does not read a {use.format} signed with a key",
            "sign in the older format, too: cosign sign --new-bundle-format=false",
        )
    alike = [u for u in request.facts.uses if _is_alike(u, use)]
    signers = sorted({_Signer.of(u, request) for u in alike if _fits(u, use)})
    stopped = sorted({f"{u.ref}: {why_stopped(u)}" for u in alike if not _fits(u, use)})
    mode = "enforce" if request.stage == "enforce" and not stopped else "warn"
    why = f"demands the signature that {use.image} has: {use.signature_reason}"
    if stopped:
        why += f"; it only warns, because it would refuse {'; '.join(stopped)}"
    return Create(make(use, signers, mode), (finding.fingerprint,), why)


class _Signer(NamedTuple):
    """Whose signature is demanded, in which format."""

    format: str
    issuer: str
    name: str
    key: str

    @classmethod
    def of(cls, use: ImageUse, request: RemedyRequest) -> _Signer:
        key = request.facts.evidence.keys.get(use.signer, "")
        return cls(use.format, use.issuer, use.signer, key)


def _is_alike(other: ImageUse, use: ImageUse) -> bool:
    """Whether the new policy would be about another image, too."""
    return (other.reference, other.enforcer) == (use.reference, use.enforcer)


def _fits(other: ImageUse, use: ImageUse) -> bool:
    """Whether an image could satisfy the new policy, as one of its signers."""
    kind = kind_of(other.format, other.signer, other.issuer)
    return other.signature == "verified" and kind in _DEMANDED[use.enforcer]


def _name(use: ImageUse) -> str:
    return "signed-" + re.sub(r"[^a-z0-9]+", "-", use.reference)[-_MAX_NAME:].strip("-")


def _sigstore(use: ImageUse, signers: Sequence[_Signer], mode: str) -> JsonObject:
    spec = {
        "images": [{"glob": f"{use.reference}@sha256:*"}],
        "authorities": [_authority(n, signer) for n, signer in enumerate(signers)],
        "mode": mode,
    }
    return _object(f"{GROUP}/v1beta1", "ClusterImagePolicy", use, spec)


def _authority(number: int, signer: _Signer) -> JsonObject:
    authority: JsonObject = {"name": f"signer-{number}" if number else "signer"}
    if signer.issuer:
        identity = {"issuer": signer.issuer, "subject": signer.name}
        authority["keyless"] = {"url": "https://fulcio.sigstore.dev", "identities": [identity]}
    else:
        authority["key"] = {"data": signer.key, "hashAlgorithm": "sha256"}
    if signer.format == "bundle":
        authority["signatureFormat"] = "bundle"
        authority["attestations"] = [{"name": "signed", "predicateType": SIGN_PREDICATES[0]}]
    return authority


def _kyverno(use: ImageUse, signers: Sequence[_Signer], mode: str) -> JsonObject:
    name = use.reference.replace(f"{DOCKER_HUB}/library/", "docker.io/").replace(
        DOCKER_HUB, "docker.io"
    )
    names = [f"signer{number}" if number else "signer" for number in range(len(signers))]
    found = ", ".join(f"attestors.{name}" for name in names)
    check = f"images.containers.map(image, verifyImageSignatures(image, [{found}]))"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods"],
    }
    spec = {
        "validationActions": ["Deny" if mode == "enforce" else "Audit"],
        "matchConstraints": {"resourceRules": [rule]},
        "matchImageReferences": [{"glob": f"{name}:*"}, {"glob": f"{name}@*"}],
        "attestors": [
            {"name": name, "cosign": _attestor(signer)}
            for name, signer in zip(names, signers, strict=True)
        ],
        "validations": [
            {"expression": f"{check}.all(e, e > 0)", "message": "the image is not signed"}
        ],
    }
    return _object(f"{NEW_GROUP}/v1", "ImageValidatingPolicy", use, spec)


def _attestor(signer: _Signer) -> JsonObject:
    if not signer.issuer:
        return {"key": {"data": signer.key}}
    return {"keyless": {"identities": [{"issuer": signer.issuer, "subject": signer.name}]}}


_MAKERS: Mapping[str, Callable[[ImageUse, Sequence[_Signer], str], JsonObject]] = {
    "policy-controller": _sigstore,
    "kyverno": _kyverno,
}
_LEGACY = (LEGACY_KEY, LEGACY_EMAIL, LEGACY_URI)
_DEMANDED: Mapping[str, tuple[str, ...]] = {
    "policy-controller": (*_LEGACY, BUNDLE_KEYLESS),
    "kyverno": (*_LEGACY, BUNDLE_KEYLESS),
}
"""The kinds of signatures that a policy can demand which is made here."""


def _object(version: str, kind: str, use: ImageUse, spec: JsonObject) -> JsonObject:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": _name(use)}, "spec": spec}
