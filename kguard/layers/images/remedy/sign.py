# SPDX-License-Identifier: Apache-2.0
"""How does an image get a signature that counts? No manifest does it, a command does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.layers.images.remedy.pin import uses_by_finding
from kguard.layers.images.semantics.policy_controller import GROUP
from kguard.layers.images.semantics.predicates import SIGN_PREDICATES
from kguard.layers.images.semantics.visibility import BUNDLE_KEYLESS, kind_of
from kguard.model.facts.images import ImageUse
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest


def sign(request: RemedyRequest) -> Iterator[Proposal]:
    """Say with which command the owner of the image signs it."""
    for finding, use in uses_by_finding(request.facts, request.findings):
        if use.visible == "false":
            yield _other_format(finding.fingerprint, use, request)
        else:
            yield Cannot((finding.fingerprint,), _reason(use), _command(use))


def _other_format(finding: str, use: ImageUse, request: RemedyRequest) -> Proposal:
    """Have the policy read the format, where it can; else say what would help."""
    policy = request.inventory.by_id(use.decided_by)
    decided = [u for u in request.facts.uses if u.decided_by == use.decided_by]
    if isinstance(policy, Manifest) and all(_is_bundle(u) for u in decided):
        operations = tuple(_bundle_format(policy))
        if operations:
            why = f"every image that {policy.ref} decides about is signed with a bundle"
            return Edit(policy.id, operations, (finding,), why)
    name = f"{use.reference}@{use.digest}"
    advice = UPGRADES.get(use.enforcer, "no version is known that does")
    return Cannot(
        (finding,),
        f"{use.enforcer} does not read a {use.format} made this way, as its policy stands",
        f"{advice}; or sign once more: cosign sign --new-bundle-format=false {name}",
    )


UPGRADES = {
    "policy-controller": "from 0.13 on an authority with one keyless identity reads bundles "
    "(signatureFormat: bundle, with attestations of type " + SIGN_PREDICATES[0] + ")",
    "kyverno": "use type: SigstoreBundle, or an ImageValidatingPolicy (1.19 does not see bundles "
    "that are signed with a key)",
    "openshift": "no version of containers/image reads bundles yet",
    "containers-policy": "no version of containers/image reads bundles yet",
    "connaisseur": "no version of Connaisseur reads bundles yet",
    "gatekeeper-ratify": "Ratify does not read them yet (issue 1314)",
}
"""What helps where an enforcer cannot see the format."""


def _is_bundle(use: ImageUse) -> bool:
    kind = kind_of(use.format, use.signer, use.issuer)
    return use.signature == "verified" and kind == BUNDLE_KEYLESS


def _bundle_format(policy: Manifest) -> Iterator[Operation]:
    """Have every authority of a ClusterImagePolicy read bundles; nothing where one cannot."""
    authorities = [mapping(entry) for entry in sequence(policy.spec.get("authorities"))]
    keyless = [mapping(entry.get("keyless")) for entry in authorities]
    if policy.group != GROUP or any(len(sequence(k.get("identities"))) != 1 for k in keyless):
        return
    statement = [{"name": "signed", "predicateType": SIGN_PREDICATES[0]}]
    for number, entry in enumerate(authorities):
        for name, value in (("signatureFormat", "bundle"), ("attestations", statement)):
            kind: Literal["add", "replace"] = "replace" if name in entry else "add"
            yield Operation(kind, pointer("spec", "authorities", number, name), value)


def _reason(use: ImageUse) -> str:
    if use.signature in ("tampered", "expired_or_untimed"):
        return "a signature that does not hold cannot be mended: find out how it came about first"
    if use.signature in ("wrong_identity", "untrusted_root"):
        return "no manifest makes a stranger's signature yours: the image's owner has to sign it"
    return "no manifest can sign an image: its owner has to"


def _command(use: ImageUse) -> str:
    name = f"{use.reference}@{use.digest}" if use.digest else use.image
    if use.signature == "signed_via_index":
        return f"cosign sign --recursive {name}"
    return (
        f"cosign sign {name}    (with a key: cosign sign --key cosign.key {name}; in a pipeline: "
        f"permissions id-token: write, the step sigstore/cosign-installer, then "
        f"cosign sign --yes {name})"
    )
