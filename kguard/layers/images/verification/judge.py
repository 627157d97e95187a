# SPDX-License-Identifier: Apache-2.0
"""To which class do an image's signatures amount, given whom one trusts?

Cryptography first, identities afterwards, so that "signed by somebody else" stays apart from
"does not hold". Of several signatures the best one counts, and all are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from kguard.layers.images.evidence.discover import Candidate, Found
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.predicates import SIGN_PREDICATES
from kguard.layers.images.verification.bundles import Check, check_bundle
from kguard.layers.images.verification.keys import PublicKey
from kguard.layers.images.verification.legacy import Layer, verify_layer
from kguard.layers.images.verification.notation import TrustStore, verify_notation
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import TrustedRoot
from kguard.layers.images.verification.verify import (
    Checked,
    Material,
    Requirements,
)
from kguard.model.facts.images import Signature, SignatureClass

ORDER: tuple[SignatureClass, ...] = (
    "verified",
    "verified_attestation_only",
    "unjudged",
    "wrong_identity",
    "expired_or_untimed",
    "untrusted_root",
    "unverifiable_offline",
    "unsupported_format",
    "tampered",
)
"""From the best; what is not here is no verdict on a signature."""

SIGNED: tuple[SignatureClass, ...] = ("verified", "verified_attestation_only")
"""Verdicts on a signature that cosign accepts."""


class Authorities(msgspec.Struct, frozen=True):
    """Whom one trusts, and what one demands."""

    roots: tuple[TrustedRoot, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    identities: tuple[Identity, ...] = ()
    workflow: dict[str, str] = {}
    """What GitHub's workflow must be, by `trigger`, `sha`, `name`, `repository`, `ref`."""
    annotations: dict[str, str] = {}
    """What the signature must say."""
    keyless: Requirements = Requirements()
    keyed: Requirements = Requirements(log="if_present")
    notation: tuple[TrustStore, ...] = ()
    """Trust stores for signatures of the Notary Project."""
    bound: tuple[tuple[TrustedRoot, Identity], ...] = ()
    """Signers that count only with certificates of a root of their own."""
    adapts: bool = False
    """Whether a root that names no log (GitHub's for private repositories) asks for none, and for
    a signed timestamp instead."""
    check: Check = check_bundle
    """Who checks bundles."""
    unread: tuple[str, ...] = ()
    """Authorities that may trust more signers, and why nobody can tell."""


class Verdict(msgspec.Struct, frozen=True):
    """What the signatures of one image amount to."""

    signature: SignatureClass
    reason: str
    best: Signature | None
    signatures: tuple[Signature, ...]
    judged: tuple[tuple[Candidate, Signature], ...] = ()
    """What was found for the image itself, in the order in which it is listed there."""
    has_api: bool = False
    """Whether the registry has the referrers API."""


def judge(found: Found, digest: str, authorities: Authorities, now: datetime) -> Verdict:
    """Judge everything that was found for an image."""
    judged = [(c, _judge(c, digest, authorities, now)) for c in found.candidates]
    verdict = _amount(found, [s for c, s in judged if not (c.foreign and s.verdict in _ELSEWHERE)])
    if authorities.unread and _is_open(verdict, authorities):
        reason = f"{verdict.reason}; {authorities.unread[0]}"
        verdict = Verdict("unverifiable_offline", reason, verdict.best, verdict.signatures)
    return msgspec.structs.replace(verdict, judged=tuple(judged), has_api=found.has_api)


def _is_open(verdict: Verdict, authorities: Authorities) -> bool:
    """Whether an authority that cannot be judged might still accept what was found."""
    if verdict.signature == "tampered":
        return bool(authorities.keys)  # with another key it may hold
    return verdict.signature in _OPEN


_OPEN = ("unjudged", "wrong_identity", "untrusted_root", "unverifiable_offline")
"""What another signer, key or root could make good."""

_ELSEWHERE = ("tampered", "unsupported_format")
"""What is listed for the image, says that it is about another one, and is so: registries list such
things (GitLab's answers the fallback tag with the image itself). cosign never looks at `subject`;
where the signed statement names our image after all, it counts."""


def _amount(found: Found, signatures: list[Signature]) -> Verdict:
    """What the signatures of an image amount to, with what could not be read."""
    signatures += [_problem(p.error.verdict, p.location, p.error.reason) for p in found.problems]
    known = [s for s in signatures if s.verdict in ORDER]
    everything = tuple(sorted(signatures, key=_order))
    if not found.served:
        return Verdict("not_found", "the image itself is not there", None, everything)
    unreachable = [s for s in signatures if s.verdict not in ORDER]
    best = min(known, key=_order, default=None)
    if unreachable and (best is None or best.verdict != "verified"):
        return Verdict(unreachable[0].verdict, unreachable[0].reason, None, everything)
    if any(p.location == "image" for p in found.problems):
        image = next(p for p in found.problems if p.location == "image")
        return Verdict(image.error.verdict, image.error.reason, None, everything)
    if best is None:
        reason = "every place where a signature can lie was asked and has none"
        return Verdict("unsigned", reason, None, everything)
    return Verdict(best.verdict, best.reason, best, everything)


def _order(signature: Signature) -> tuple[int, str, str, str]:
    known = signature.verdict in ORDER
    rank = ORDER.index(signature.verdict) if known else len(ORDER)
    return rank, signature.location, signature.format, signature.reason


def _problem(verdict: SignatureClass, location: str, reason: str) -> Signature:
    return Signature(verdict, "", location, "", "", "", reason)


def _judge(candidate: Candidate, digest: str, authorities: Authorities, now: datetime) -> Signature:
    if candidate.format == "notation":
        return _notation(candidate, digest, authorities.notation, now)
    best: Signature | None = None
    for material in _materials(authorities, now):
        found = _try(candidate, digest, authorities, material)
        if best is None or _order(found) < _order(best):
            best = found
    if best is None:
        return _failed(candidate, RejectedError("unverifiable_offline", "nothing to check it with"))
    return best


def _notation(
    candidate: Candidate, digest: str, stores: Sequence[TrustStore], now: datetime
) -> Signature:
    """The best that one of the trust stores says."""
    found = [_in_store(candidate, digest, store, now) for store in stores]
    if found:
        return min(found, key=_order)
    reason = "a notation signature is there; it is not verified without a trust store"
    return _failed(candidate, RejectedError("unsupported_format", reason))


def _in_store(candidate: Candidate, digest: str, store: TrustStore, now: datetime) -> Signature:
    try:
        signer = verify_notation(candidate.content, candidate.media_type, store, digest, now)
    except RejectedError as error:
        return _failed(candidate, error)
    return Signature(
        verdict="verified" if signer.trusted else "wrong_identity",
        format=candidate.format,
        location=candidate.location,
        predicate="",
        signer=signer.subject,
        issuer=signer.issuer,
        reason=f"signed by {signer.subject} (issuer {signer.issuer})",
        manifest=candidate.manifest,
    )


def _materials(authorities: Authorities, now: datetime) -> list[Material]:
    """Every key and every root, one after the other; a root helps a key with its log entry."""
    first = authorities.roots[0] if authorities.roots else None
    found = [Material(first, key, now, authorities.keyed) for key in authorities.keys]
    roots: list[TrustedRoot | None] = []
    if authorities.identities or not (authorities.keys or authorities.bound):
        roots = [*authorities.roots] or [None]
    roots += [root for root, _ in authorities.bound if not any(root is known for known in roots)]
    return found + [Material(root, None, now, _required(authorities, root)) for root in roots]


def _required(authorities: Authorities, root: TrustedRoot | None) -> Requirements:
    if root is None or root.logs or not authorities.adapts:
        return authorities.keyless
    return Requirements(log="ignored", timestamp="required", sct=bool(root.ct_logs))


def _try(
    candidate: Candidate, digest: str, authorities: Authorities, material: Material
) -> Signature:
    try:
        checked = _check(candidate, digest, authorities.check, material)
    except RejectedError as error:
        return _failed(candidate, error)
    except RecursionError:
        return _failed(candidate, RejectedError("unsupported_format", "it is nested too deeply"))
    verdict, reason = _identity(checked, authorities, material.root)
    if verdict == "verified" and checked.predicate and not _says_signed(checked):
        verdict = "verified_attestation_only"
        reason = f"only a statement of type {checked.predicate} holds"
    return _signature(candidate, checked, verdict, reason)


def _says_signed(checked: Checked) -> bool:
    return checked.predicate in SIGN_PREDICATES


def _check(candidate: Candidate, digest: str, check: Check, material: Material) -> Checked:
    if candidate.format == "bundle":
        listed = candidate.location != "loose-bundle"
        return check(candidate.content, digest, material, listed=listed)
    attestation = candidate.format == "legacy-attestation"
    layer = Layer(candidate.content, candidate.annotations, attestation)
    return verify_layer(layer, material, digest)


def _identity(
    checked: Checked, authorities: Authorities, root: TrustedRoot | None
) -> tuple[SignatureClass, str]:
    if any(checked.annotations.get(k) != v for k, v in authorities.annotations.items()):
        return "wrong_identity", "the signature does not carry the annotations that are demanded"
    if checked.identity is None:
        return "verified", f"signed with the key {checked.key.label}"
    who = f"{checked.identity.subject} (issuer {checked.identity.issuer})"
    if any(checked.identity.workflow.get(k) != v for k, v in authorities.workflow.items()):
        return "wrong_identity", f"signed by {who} from another workflow"
    if not authorities.identities and not authorities.bound:
        return "unjudged", f"signed by {who}; nobody said whom to trust"
    own = [identity for bound, identity in authorities.bound if bound is root]
    common = authorities.identities if any(root is r for r in authorities.roots) else ()
    answers = [
        identity.matches(checked.identity.issuer, checked.identity.subject)
        for identity in (*common, *own)
    ]
    if True in answers:
        return "verified", f"signed by {who}"
    if None in answers:
        return "unverifiable_offline", f"signed by {who}; an expression cannot be judged"
    return "wrong_identity", f"signed by {who}"


def _signature(
    candidate: Candidate, checked: Checked, verdict: SignatureClass, reason: str
) -> Signature:
    identity = checked.identity
    built = checked.built
    return Signature(
        verdict=verdict,
        format=candidate.format,
        location=candidate.location,
        predicate=checked.predicate,
        signer=identity.subject if identity else checked.key.fingerprint,
        issuer=identity.issuer if identity else "",
        reason=reason,
        manifest=candidate.manifest,
        builder=built.builder,
        source=built.source,
        ref=built.ref,
    )


def _failed(candidate: Candidate, error: RejectedError) -> Signature:
    return Signature(error.verdict, candidate.format, candidate.location, "", "", "", error.reason)
