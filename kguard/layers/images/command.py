# SPDX-License-Identifier: Apache-2.0
"""Would `cosign verify` accept this one image, given its own options?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from kguard.errors import UsageError
from kguard.layers.images.assess import assess
from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.evidence.view import View
from kguard.layers.images.registries import Registries
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.references import (
    InvalidReferenceError,
    Reference,
    parse_weakly,
)
from kguard.layers.images.signatures import INCOMPLETE
from kguard.layers.images.trust import public_expiry, public_root
from kguard.layers.images.verification.acceptance import Demand, accepts
from kguard.layers.images.verification.judge import SIGNED, Authorities, Verdict
from kguard.layers.images.verification.keys import PublicKey, load_pem
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import TrustedRoot, parse_roots
from kguard.layers.images.verification.verify import Requirements
from kguard.model.facts.images import Signature
from kguard.sources.registry import Settings

_TYPES = {
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "link": "https://in-toto.io/Link/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "cyclonedx": "https://cyclonedx.org/bom",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    "openvex": "https://openvex.dev/ns",
    "custom": "https://cosign.sigstore.dev/attestation/v1",
}
"""cosign's names of predicate types (cmd/cosign/cli/options/predicate.go)."""
_COLLECTED = "read what `kguard images collect` wrote where it can (--evidence DIR)"
_NEXT = {
    "unsigned": "whoever built it can sign it: cosign sign",
    "wrong_identity": "if that signer is to be trusted, name it; else find out who signed",
    "tampered": "do not run it; get image and signature again from where they were made",
    "not_found": "check the name, and whether the tag was deleted",
    "unknown_auth": "log in (docker login) as someone who may read it, or " + _COLLECTED,
    "unknown_rate_limited": "ask again later, log in, or " + _COLLECTED,
    "unknown_unreachable": "ask again from where the registry can be reached, or " + _COLLECTED,
}
"""What helps, by class; the others say it themselves."""
_UNTOLD = ("not_evaluated", "unverifiable_offline", "not_found")


class Question(msgspec.Struct, frozen=True):
    """The options of `cosign verify` and `verify-attestation`, under their names."""

    reference: str
    evidence: str | None = None
    trusted_root: str | None = None
    key: str | None = None
    certificate_identity: str = ""
    certificate_identity_regexp: str = ""
    certificate_oidc_issuer: str = ""
    certificate_oidc_issuer_regexp: str = ""
    insecure_ignore_tlog: bool = False
    insecure_ignore_sct: bool = False
    use_signed_timestamps: bool = False
    allow_http_registry: bool = False
    predicate: str = ""
    experimental_oci11: bool = False
    new_bundle_format: bool = True
    annotations: tuple[str, ...] = ()
    workflow: dict[str, str] = {}
    registries: Settings = Settings()
    """How its registry is asked."""


class Answer(msgspec.Struct, frozen=True, rename={"signature": "class"}):
    """What is said about the image; `exit_code` is 0 where cosign would accept it."""

    reference: str
    digest: str
    signature: str
    reason: str
    signatures: tuple[Signature, ...]
    cosign: str
    """The command that asks cosign the same."""
    cosign_accepts: bool
    """Whether that command would accept the image: a question of its own beside the class."""
    exit_code: int
    note: str = ""
    """What may be wrong with the question rather than with the image."""

    @property
    def lines(self) -> list[str]:
        """The answer for people."""
        found = [f"{self.reference} is {self.signature.replace('_', ' ')}: {self.reason}"]
        if self.digest:
            found.append(f"  digest        {self.digest}")
        for signature in self.signatures:
            what = " ".join(filter(None, (signature.format, signature.predicate)))
            found.append(
                f"  {signature.location:14}{signature.verdict}: {signature.reason}"
                + (f" ({what})" if what else "")
            )
        accepted = self.signature in SIGNED
        if self.cosign_accepts != accepted and self.signatures:
            found.append(f"  cosign        would {'accept' if not accepted else 'refuse'} it")
        if self.note:
            found.append(f"  note          {self.note}")
        if step := _NEXT.get(self.signature):
            found.append(f"  next          {step}")
        return [*found, f"  check with    {self.cosign}"]


def answer(question: Question) -> Answer:
    """Look the image up in the folder, or in its registry where none is given, and judge it.

    Raises:
        UsageError: an option makes no sense, or a file it names cannot be read.
    """
    reference = _reference(question.reference)
    authorities = _authorities(question)
    if question.evidence is None:
        return _of_registry(question, reference, authorities)
    folder = Folder(Path(question.evidence))
    if not folder.path.is_dir():
        raise UsageError(f"{question.evidence} is no folder")
    digest = reference.digest or folder.resolve(reference.tagged)
    if not digest:
        reason = "the folder does not say which digest the tag names"
        return _said(question, "", Verdict("not_evaluated", reason, None, ()))
    now = datetime.now(UTC)
    loose = folder.loose.get(digest, ())
    verdict = assess(View(folder, reference), digest, authorities, now, loose)
    complete = folder.is_complete(digest, reference.context)
    if verdict.signature in ("unsigned", "not_found") and not complete:
        said = {"signature": "not_evaluated", "reason": INCOMPLETE, "best": None}
        verdict = msgspec.structs.replace(verdict, **said)
    return _said(question, digest, verdict)


def _of_registry(question: Question, reference: Reference, authorities: Authorities) -> Answer:
    registries = Registries(question.registries)
    digest = reference.digest or registries.digest_of(reference)
    if not digest:
        return _said(question, "", registries.no_digest(reference))
    verdict = registries.assess(reference, digest, authorities, datetime.now(UTC))
    return _said(question, digest, verdict)


def _reference(text: str) -> Reference:
    try:
        return parse_weakly(text)
    except InvalidReferenceError as error:
        raise UsageError(f"{text!r} is no image reference: {error}") from None


def _demand(question: Question) -> Demand:
    kind = _TYPES.get(question.predicate, question.predicate)
    return Demand(kind, question.new_bundle_format, question.experimental_oci11)


def _exit_code(verdict: Verdict, *, accepted: bool) -> int:
    if accepted:
        return 0
    untold = verdict.signature in _UNTOLD or verdict.signature.startswith("unknown_")
    return 3 if untold else 1


def _authorities(question: Question) -> Authorities:
    identity = Identity(
        question.certificate_oidc_issuer,
        question.certificate_oidc_issuer_regexp,
        question.certificate_identity,
        question.certificate_identity_regexp,
    )
    keyless = question.key is None
    if keyless and not _names_somebody(identity):
        raise UsageError(
            "who may have signed is not given",
            hint="--key FILE, or --certificate-identity and --certificate-oidc-issuer",
        )
    wanted = Requirements(
        log="ignored" if question.insecure_ignore_tlog else "required",
        timestamp="required" if question.use_signed_timestamps else "if_needed",
        sct=not question.insecure_ignore_sct,
    )
    return Authorities(
        roots=_roots(question),
        keys=() if question.key is None else (_key(question.key),),
        identities=(identity,) if keyless else (),
        workflow=question.workflow,
        annotations=_annotations(question.annotations),
        keyless=wanted,
        keyed=wanted,
    )


def _names_somebody(identity: Identity) -> bool:
    return bool(
        (identity.subject or identity.subject_regexp)
        and (identity.issuer or identity.issuer_regexp)
    )


def _annotations(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"-a {text}: write KEY=VALUE")
        found[key] = value
    return found


def _roots(question: Question) -> tuple[TrustedRoot, ...]:
    try:
        if question.trusted_root is None:
            return (public_root(),)
        return tuple(parse_roots(_bytes(question.trusted_root)))
    except RejectedError as error:
        raise UsageError(error.reason, where=question.trusted_root or "") from None


def _key(path: str) -> PublicKey:
    try:
        return load_pem(_bytes(path))
    except RejectedError as error:
        raise UsageError(error.reason, where=path) from None


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", where=path) from None


def _said(question: Question, digest: str, verdict: Verdict) -> Answer:
    accepted = accepts(verdict, _demand(question))
    return Answer(
        reference=question.reference,
        digest=digest,
        signature=verdict.signature,
        reason=verdict.reason,
        signatures=verdict.signatures,
        cosign=" ".join(_command(question, digest)),
        cosign_accepts=accepted,
        exit_code=_exit_code(verdict, accepted=accepted),
        note=_note(question) if not accepted else "",
    )


def _note(question: Question) -> str:
    """That the root of the public instance is old, where it is the one that was asked."""
    expires = public_expiry() if question.trusted_root is None and question.key is None else None
    if expires is None or expires > datetime.now(UTC):
        return ""
    return (
        f"the root of the public instance that kguard has is out of date since {expires.date()}: "
        "give a fresh one with --trusted-root"
    )


def _command(question: Question, digest: str) -> list[str]:
    import shlex

    found = ["cosign", "verify-attestation" if question.predicate else "verify"]
    for name, value in msgspec.structs.asdict(question).items():
        found += _option(name, value)
    reference = question.reference
    if digest and "@" not in reference:
        reference = f"{parse_weakly(reference).context}@{digest}"
    return [shlex.quote(word) for word in (*found, reference)]


def _option(name: str, value: Any) -> list[str]:
    if name == "new_bundle_format":
        return [] if value else ["--new-bundle-format=false"]
    if name in ("reference", "evidence", "registries") or not value:
        return []
    if name == "predicate":
        return ["--type", str(value)]
    if name == "workflow":
        return [w for k, v in value.items() for w in (f"--certificate-github-workflow-{k}", v)]
    if name == "annotations":
        return [word for text in value for word in ("-a", text)]
    option = "--" + name.replace("_", "-")
    return [option] if value is True else [option, str(value)]
