# SPDX-License-Identifier: Apache-2.0
"""Which policy makes the installed enforcer demand the signature that an image has?

Only for images whose signature is known to hold and whose format the enforcer reads: exact
issuer and subject, or the key, never an expression.
"""

from __future__ import annotations

import re
from typing import Any

from kguard.layers.images.semantics.kyverno import NEW_GROUP
from kguard.layers.images.semantics.policy_controller import GROUP
from kguard.layers.images.semantics.predicates import SIGN_PREDICATES
from kguard.layers.images.semantics.references import DOCKER_HUB
from kguard.layers.images.semantics.visibility import BUNDLE_KEY, kind_of
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
    kind = kind_of(use.format, use.signer, use.issuer)
    if kind == BUNDLE_KEY or not kind:
        return Cannot(
            (finding.fingerprint,),
            f"{use.enforcer} does not read a {use.format} signed with a key",
            "sign in the older format, too: cosign sign --new-bundle-format=false",
        )
    make = {"policy-controller": _sigstore, "kyverno": _kyverno}.get(use.enforcer)
    if make is None:
        hint = f"add the scope {use.reference} to an image policy"
        return Cannot((finding.fingerprint,), f"nothing is generated for {use.enforcer}", hint)
    mode = "enforce" if request.stage == "enforce" else "warn"
    key = request.facts.evidence.keys.get(use.signer, "")
    why = f"demands the signature that {use.image} has: {use.signature_reason}"
    return Create(make(use, key, mode), (finding.fingerprint,), why)


def _name(use: ImageUse) -> str:
    return "signed-" + re.sub(r"[^a-z0-9]+", "-", use.reference)[-_MAX_NAME:].strip("-")


def _sigstore(use: ImageUse, key: str, mode: str) -> JsonObject:
    authority: JsonObject = {"name": "signer"}
    if use.issuer:
        identity = {"issuer": use.issuer, "subject": use.signer}
        authority["keyless"] = {"url": "https://fulcio.sigstore.dev", "identities": [identity]}
    else:
        authority["key"] = {"data": key, "hashAlgorithm": "sha256"}
    if use.format == "bundle":
        authority["signatureFormat"] = "bundle"
        authority["attestations"] = [{"name": "signed", "predicateType": SIGN_PREDICATES[0]}]
    spec = {
        "images": [{"glob": f"{use.reference}@sha256:*"}],
        "authorities": [authority],
        "mode": mode,
    }
    return _object(f"{GROUP}/v1beta1", "ClusterImagePolicy", use, spec)


def _kyverno(use: ImageUse, key: str, mode: str) -> JsonObject:
    if use.issuer:
        signer: dict[str, Any] = {
            "keyless": {"identities": [{"issuer": use.issuer, "subject": use.signer}]}
        }
    else:
        signer = {"key": {"data": key}}
    check = "images.containers.map(image, verifyImageSignatures(image, [attestors.signer]))"
    name = use.reference.replace(f"{DOCKER_HUB}/library/", "docker.io/").replace(
        DOCKER_HUB, "docker.io"
    )
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
        "attestors": [{"name": "signer", "cosign": signer}],
        "validations": [
            {"expression": f"{check}.all(e, e > 0)", "message": "the image is not signed"}
        ],
    }
    return _object(f"{NEW_GROUP}/v1", "ImageValidatingPolicy", use, spec)


def _object(version: str, kind: str, use: ImageUse, spec: JsonObject) -> JsonObject:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": _name(use)}, "spec": spec}
