# SPDX-License-Identifier: Apache-2.0
"""Does a bundle hold, and what does it say?

Authority for the order of the steps: sigstore/sigstore-go pkg/verify/signed_entity.go
(`Verifier.Verify`) as configured by sigstore/cosign pkg/cosign/verify.go (`verificationOptions`)
and pkg/cosign/verify_bundle.go (a bundle with Rekor v2 entries only needs a timestamp).
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import Any, Literal

import msgspec

from kguard.layers.images.verification.bundle import Bundle, Envelope
from kguard.layers.images.verification.certificates import (
    CertificateIdentity,
    chain_at,
    identity_of,
    verify_sct,
)
from kguard.layers.images.verification.keys import PublicKey
from kguard.layers.images.verification.log import Signer, verify_entries
from kguard.layers.images.verification.provenance import Provenance, read_provenance
from kguard.layers.images.verification.rejected import (
    RejectedError,
    missing,
    tampered,
    untimed,
)
from kguard.layers.images.verification.timestamps import verified_times
from kguard.layers.images.verification.trusted_root import TrustedRoot, key_of, load_certificate
from kguard.model.manifests import mapping, sequence, strings

IN_TOTO = "application/vnd.in-toto+json"
MAX_SUBJECTS = 1024


class Requirements(msgspec.Struct, frozen=True):
    """What must be there besides the signature."""

    log: Literal["required", "if_present", "ignored"] = "required"
    timestamp: Literal["required", "if_present", "if_needed"] = "if_present"
    """`if_present`: the certificate must also have been valid at the times of all timestamps that
    hold, as the Sigstore client specification wants; `if_needed`: they are read only where
    nothing else tells the time, as `cosign verify` does."""
    sct: bool = True


class Material(msgspec.Struct, frozen=True):
    """What a signature is checked with."""

    root: TrustedRoot | None
    key: PublicKey | None
    now: datetime
    requirements: Requirements = Requirements()


class Checked(msgspec.Struct, frozen=True):
    """A signature that holds, and what it says."""

    identity: CertificateIdentity | None
    """The signer of the certificate; None for a key."""
    key: PublicKey
    predicate: str
    """The predicate type of the statement; empty for a plain signature."""
    digests: tuple[str, ...]
    """What it is about: `sha256:...`; empty for an artifact signature."""
    annotations: dict[str, str]
    times: tuple[datetime, ...]
    built: Provenance = Provenance()
    """What a provenance says of the build, where it is one."""


def verify_bundle(bundle: Bundle, material: Material, digest: str) -> Checked:
    """Check a bundle about an image.

    Args:
        bundle: the bundle, parsed.
        material: trusted root, key, time and requirements.
        digest: the digest of the image, `sha256:...`.

    Raises:
        RejectedError: with the class of the first step that fails.
    """
    signer = _signer(bundle, material)
    times = _recorded(bundle, signer, material)
    times = _all_times(bundle, signer, material, times)
    if signer.certificate is not None:
        _verify_certificate(signer, material, times)
    _verify_signature(bundle, signer, digest)
    identity = identity_of(signer.certificate) if signer.certificate is not None else None
    found = _content(bundle, digest)
    return msgspec.structs.replace(found, identity=identity, key=signer.key, times=tuple(times))


def _signer(bundle: Bundle, material: Material) -> Signer:
    if bundle.certificate is None:
        if material.key is None:
            raise missing("it is signed with a key, and no key is given")
        return Signer(material.key)
    if material.key is not None:
        raise RejectedError("wrong_identity", "it is signed with a certificate, not with the key")
    if material.root is None:
        raise missing("it is signed with a certificate, and no trusted root is given")
    certificate = load_certificate(bundle.certificate)
    return Signer(key_of(certificate), certificate)


def _recorded(bundle: Bundle, signer: Signer, material: Material) -> list[datetime]:
    """The times of the transparency log."""
    log = material.requirements.log
    if log == "ignored" or (log == "if_present" and not bundle.entries):
        return []
    if not bundle.entries:
        raise missing("it has no entry of a transparency log")
    if material.root is None:
        if log == "if_present":
            return []
        raise missing("no trusted root is given to check its log entry with")
    return verify_entries(bundle, signer, material.root)


def _all_times(
    bundle: Bundle, signer: Signer, material: Material, times: list[datetime]
) -> list[datetime]:
    """All times at which the certificate must have been valid."""
    wanted = material.requirements
    keyless = signer.certificate is not None
    v2_only = bool(bundle.entries) and not any(e.integrated_time for e in bundle.entries)
    needed = keyless and wanted.log != "ignored" and v2_only
    if wanted.timestamp == "required" or needed:
        return times + _stamped(bundle, material)
    if wanted.timestamp == "if_present" and keyless and material.root is not None:
        stamped, _ = verified_times(bundle.timestamps, bundle.signature, material.root)
        times = times + stamped
    if keyless and not times:
        if wanted.log == "ignored":
            return [material.now]
        raise untimed("nothing says when the signature was made")
    return times


def _stamped(bundle: Bundle, material: Material) -> list[datetime]:
    if material.root is None:
        raise missing("no trusted root is given to check its timestamp with")
    stamped, problem = verified_times(bundle.timestamps, bundle.signature, material.root)
    if not stamped:
        raise problem or untimed("it has no timestamp")
    return stamped


def _verify_certificate(signer: Signer, material: Material, times: list[datetime]) -> None:
    root = material.root
    if root is None:
        raise missing("no trusted root is given")
    path: list[Any] = []
    for time in times:
        path = chain_at(signer.certificate, root, time)
    if material.requirements.sct:
        verify_sct(path, root)


def _verify_signature(bundle: Bundle, signer: Signer, digest: str) -> None:
    if bundle.envelope is not None:
        if not envelope_holds(bundle.envelope, signer.key):
            raise tampered("the signature does not hold")
        return
    content = bundle.message
    if content is None or f"sha256:{content.digest.hex()}" != digest:
        raise tampered("it is the signature of another artifact")
    if not digest_holds(signer.key, content.signature, content.digest):
        raise tampered("the signature does not hold")


def envelope_holds(envelope: Envelope, key: PublicKey) -> bool:
    """Whether an envelope has one signature, and it is the key's."""
    if len(envelope.signatures) != 1:
        return False
    signature, key_id = envelope.signatures[0]
    if key_id and key_id != _ssh_fingerprint(key):
        return False
    return key.verify(signature, envelope.pae)


def _ssh_fingerprint(key: PublicKey) -> str:
    """The key id that DSSE verifiers derive: OpenSSH's fingerprint."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        line = key.key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (ValueError, TypeError):
        return ""
    raw = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(raw).decode().rstrip("=")


def digest_holds(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Whether a signature over something with this SHA-256 digest is the key's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    prehashed = utils.Prehashed(hashes.SHA256())
    try:
        if isinstance(key.key, ec.EllipticCurvePublicKey):
            key.key.verify(signature, digest, ec.ECDSA(prehashed))
        elif isinstance(key.key, rsa.RSAPublicKey):
            key.key.verify(signature, digest, padding.PKCS1v15(), prehashed)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _content(bundle: Bundle, digest: str) -> Checked:
    nobody = PublicKey(None, b"")
    if bundle.envelope is None:
        return Checked(None, nobody, "", (digest,), {}, ())
    statement = read_statement(bundle.envelope)
    subjects = [mapping(subject) for subject in sequence(statement.get("subject"))]
    if len(subjects) > MAX_SUBJECTS:
        raise tampered("the statement is about too many subjects")
    digests = tuple(f"sha256:{d}" for s in subjects if (d := _sha256(s)))
    if digest not in digests:
        raise tampered("the statement is about another image")
    about = [s for s in subjects if f"sha256:{_sha256(s)}" == digest]
    annotations = {k: v for s in about for k, v in strings(s.get("annotations")).items()}
    predicate = statement.get("predicateType")
    kind = predicate if isinstance(predicate, str) else ""
    built = read_provenance(statement)
    return Checked(None, nobody, kind or "unknown", digests, annotations, (), built)


def read_statement(envelope: Envelope) -> dict[str, Any]:
    """The in-toto statement of an envelope.

    Raises:
        RejectedError: it holds none.
    """
    if envelope.payload_type != IN_TOTO:
        raise tampered(f"the envelope holds {envelope.payload_type!r}, not a statement")
    try:
        statement = json.loads(envelope.payload)
    except (ValueError, RecursionError):
        raise tampered("the statement is no JSON") from None
    if not isinstance(statement, dict):
        raise tampered("the statement is no object")
    return statement


def _sha256(subject: dict[str, Any]) -> str:
    return strings(subject.get("digest")).get("sha256", "")
