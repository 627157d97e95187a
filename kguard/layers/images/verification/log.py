# SPDX-License-Identifier: Apache-2.0
"""Was the signature recorded in a trusted transparency log?

Authority: sigstore/sigstore-go pkg/verify/tlog.go (`VerifyTlogEntry`) and pkg/tlog/entry.go;
sigstore/rekor pkg/verify and pkg/util (signed entry timestamp, signed note, checkpoint);
sigstore/rekor-tiles pkg/note and pkg/verify for Rekor v2, whose entry is rebuilt from the bundle
instead of being compared with it; RFC 6962 section 2.1.1 for the inclusion proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kguard.layers.images.verification import pem
from kguard.layers.images.verification.bundle import Bundle, LogEntry, Proof
from kguard.layers.images.verification.keys import PublicKey
from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.rejected import RejectedError, tampered, untimed, untrusted
from kguard.layers.images.verification.trusted_root import Log, TrustedRoot
from kguard.model.manifests import mapping, sequence

_V1_ORIGIN = re.compile(r".* - [0-9]+\Z")
_SIGNATURE_LINE = re.compile("\u2014 (\\S+) (\\S+)\\Z")
_KINDS = ("hashedrekord 0.0.1", "hashedrekord 0.0.2", "dsse 0.0.1", "intoto 0.0.2")
_KEY_DETAILS = {
    "secp256r1": ("PKIX_ECDSA_P256_SHA_256", "SHA2_256", "sha256"),
    "secp384r1": ("PKIX_ECDSA_P384_SHA_384", "SHA2_384", "sha384"),
    "secp521r1": ("PKIX_ECDSA_P521_SHA_512", "SHA2_512", "sha512"),
}
_MAX_TREE = 1 << 63


class Signer(msgspec.Struct, frozen=True):
    """Whose signature it is said to be: a certificate, or a known key."""

    key: PublicKey
    certificate: Any = None


def verify_entries(bundle: Bundle, signer: Signer, root: TrustedRoot) -> list[datetime]:
    """Check all log entries; one of a trusted log must hold.

    Returns:
        The times that trusted logs vouch for (none for Rekor v2).

    Raises:
        RejectedError: with the class of the first step that fails.
    """
    if len({(e.log_id, e.index) for e in bundle.entries}) < len(bundle.entries):
        raise tampered("the same log entry is there twice")
    verified, times, skipped = False, list[datetime](), list[RejectedError]()
    for entry in bundle.entries:
        time = _verify_entry(bundle, entry, signer, root, skipped)
        if time is not None:
            verified = True
            times += time
    if not verified:
        raise skipped[0] if skipped else untrusted("no log entry proves that it was recorded")
    return times


def _verify_entry(
    bundle: Bundle,
    entry: LogEntry,
    signer: Signer,
    root: TrustedRoot,
    skipped: list[RejectedError],
) -> list[datetime] | None:
    if entry.kind not in _KINDS:
        raise RejectedError("unsupported_format", f"a log entry of kind {entry.kind} is not known")
    log = root.logs.get(entry.log_id)
    if log is None:
        skipped.append(untrusted("its transparency log is not in the trusted root"))
        return None
    if entry.is_v2 and entry.proof is None:
        raise tampered("a Rekor v2 entry needs an inclusion proof")
    if entry.promise:
        try:
            verify_promise(entry, log)
        except RejectedError as error:
            skipped.append(error)
            return None
    _verify_proof(bundle, entry, signer, log)
    if not entry.is_v2:
        _compare(bundle, entry, signer)
    return _times(entry, signer)


def _times(entry: LogEntry, signer: Signer) -> list[datetime]:
    if not entry.integrated_time:
        return []
    time = moment(entry.integrated_time)
    if signer.certificate is not None and not valid_at(signer.certificate, time):
        raise untimed("it was recorded outside the validity of its certificate")
    return [time] if entry.promise else []


def moment(seconds: int) -> datetime:
    """A Unix time.

    Raises:
        RejectedError: no calendar knows it.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise tampered(f"{seconds} is no time") from None


def valid_at(certificate: x509.Certificate, time: datetime) -> bool:
    """Whether a certificate is valid at a moment."""
    return certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc


def verify_promise(entry: LogEntry, log: Log) -> None:
    """Check a signed entry timestamp.

    Raises:
        RejectedError: it is not the log's, or the log was not valid at that time.
    """
    if entry.is_v2:
        raise tampered("a Rekor v2 entry has no signed entry timestamp")
    if not log.period.holds(moment(entry.integrated_time)):
        raise untrusted("its transparency log was not trusted at that time")
    signed = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    if not log.key.verify(entry.promise, canonical(signed)):
        raise tampered("the log's signature on the entry (SET) does not hold")


def canonical(value: Any) -> bytes:
    """RFC 8785 for objects of ASCII texts and integers, which is all that is needed here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _verify_proof(bundle: Bundle, entry: LogEntry, signer: Signer, log: Log) -> None:
    proof = entry.proof
    if proof is None:
        if not entry.promise:
            raise tampered("the log entry has neither proof nor promise")
        return
    lines = proof.checkpoint.split("\n")
    if len(lines) >= 4 and _V1_ORIGIN.match(lines[0]):  # noqa: PLR2004 - origin, size, hash, rest
        _verify_v1_proof(entry, proof, log)
    else:
        _verify_v2_proof(bundle, entry, proof, signer, log)


def _verify_v1_proof(entry: LogEntry, proof: Proof, log: Log) -> None:
    leaf = hashlib.sha256(b"\0" + entry.body).digest()
    if root_of(proof.index, proof.size, leaf, proof.hashes) != proof.root:
        raise tampered("the inclusion proof does not lead to its root")
    note, signatures = _open_note(proof.checkpoint)
    _, stated = _checkpoint(note)
    key_hash = hashlib.sha256(log.key.spki).digest()[:4]
    for _, hint, signature in signatures:
        if hint != key_hash or not log.key.verify(signature, note):
            raise tampered("the checkpoint is not signed by the log")
    if stated != proof.root:
        raise tampered("the checkpoint states another root")


def _verify_v2_proof(
    bundle: Bundle, entry: LogEntry, proof: Proof, signer: Signer, log: Log
) -> None:
    if not log.host:
        raise untrusted("the trusted root names no address for the Rekor v2 log")
    note, signatures = _open_note(proof.checkpoint)
    if note.split(b"\n", 1)[0].decode("utf-8", "replace") != log.host:
        raise tampered("the checkpoint is of another log")
    size, stated = _checkpoint(note)
    hint = _note_hint(log)
    if not any(
        name == log.host and given == hint and log.key.verify(signature, note)
        for name, given, signature in signatures
    ):
        raise tampered("the checkpoint is not signed by the log")
    leaf = hashlib.sha256(b"\0" + rebuilt_body(bundle, signer)).digest()
    if root_of(entry.index, size, leaf, proof.hashes) != stated:
        raise tampered("the log did not record this signature")


def _note_hint(log: Log) -> bytes:
    key = log.key.key
    if isinstance(key, ed25519.Ed25519PublicKey):
        named = log.host.encode() + b"\n\x01" + key.public_bytes_raw()
    elif isinstance(key, rsa.RSAPublicKey):
        named = log.host.encode() + b"\n\xffPKIX-RSA-PKCS#1v1.5" + log.key.spki
    else:
        named = log.key.spki
    return hashlib.sha256(named).digest()[:4]


def _open_note(text: str) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """A signed note: its text, and name, key hint and bytes of each signature."""
    head, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise tampered("the checkpoint is no signed note")
    found = []
    for line in tail[:-1].split("\n"):
        match = _SIGNATURE_LINE.match(line)
        if match is None:
            raise tampered("the checkpoint has a broken signature line")
        raw = _base64(match[2])
        if len(raw) < 5:  # noqa: PLR2004 - a hint of four bytes and a signature
            raise tampered("the checkpoint has a broken signature line")
        found.append((match[1], raw[:4], raw[4:]))
    return f"{head}\n".encode(), found


def _checkpoint(note: bytes) -> tuple[int, bytes]:
    """Size and root hash that a checkpoint states."""
    lines = note.decode("utf-8", "replace").split("\n")
    if len(lines) < 4 or not lines[0] or not re.fullmatch(r"\d{1,19}", lines[1]):  # noqa: PLR2004
        raise tampered("the checkpoint is not complete")
    root = _base64(lines[2])
    if not root:
        raise tampered("the checkpoint states no root")
    return int(lines[1]), root


def _base64(text: str) -> bytes:
    found = standard_base64(text)
    if found is None:
        raise tampered("the checkpoint holds broken base64")
    return found


def root_of(index: int, size: int, leaf: bytes, hashes: tuple[bytes, ...]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).

    Raises:
        RejectedError: the proof has the wrong length for its place in the tree.
    """
    if not 0 <= index < size < _MAX_TREE:
        raise tampered("the inclusion proof names no place in the tree")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(hashes) != inner + border:
        raise tampered("the inclusion proof has the wrong length")
    found = leaf
    for level, other in enumerate(hashes):
        left = level >= inner or index >> level & 1
        pair = other + found if left else found + other
        found = hashlib.sha256(b"\1" + pair).digest()
    return found


def rebuilt_body(bundle: Bundle, signer: Signer) -> bytes:
    """The body that a Rekor v2 log must have recorded for this signature.

    Raises:
        RejectedError: no such entry can exist for the kind of key.
    """
    details, algorithm, name = key_details(signer.key.key)
    if bundle.envelope is not None:
        digest = hashlib.new(name, bundle.envelope.pae).digest()
    else:
        digest = bundle.message.digest if bundle.message else b""
    if signer.certificate is not None:
        raw = signer.certificate.public_bytes(Encoding.DER)
        verifier: dict[str, Any] = {"x509Certificate": {"rawBytes": _text(raw)}}
    else:
        verifier = {"publicKey": {"rawBytes": _text(signer.key.spki)}}
    signature = {
        "content": _text(bundle.signature),
        "verifier": {"keyDetails": details, **verifier},
    }
    record = {"data": {"algorithm": algorithm, "digest": _text(digest)}, "signature": signature}
    return canonical(
        {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}
    )


def key_details(key: Any) -> tuple[str, str, str]:
    """How Sigstore names a kind of key, its hash, and the hash as Python names it.

    Raises:
        RejectedError: it does not know the kind.
    """
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _KEY_DETAILS:
        return _KEY_DETAILS[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "PKIX_ED25519_PH", "SHA2_512", "sha512"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in (2048, 3072, 4096):
        return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256", "SHA2_256", "sha256"
    raise RejectedError("unsupported_format", "Rekor v2 does not know this kind of key")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _compare(bundle: Bundle, entry: LogEntry, signer: Signer) -> None:
    """A Rekor v1 entry must be about this signature, this signer and this content."""
    recorded = read_recorded(entry)
    if recorded.signature != bundle.signature:
        raise tampered("the log recorded another signature")
    if not is_signer(recorded.verifier, signer):
        raise tampered("the log recorded another certificate or key")
    if bundle.envelope is not None:
        if entry.kind == "hashedrekord 0.0.1":
            raise tampered("the log entry is not about an envelope")
        digest = hashlib.sha256(bundle.envelope.payload).hexdigest()
        if recorded.digest != digest:
            raise tampered("the log recorded another payload")
    elif bundle.message is not None:
        if entry.kind != "hashedrekord 0.0.1" or recorded.algorithm != bundle.message.algorithm:
            raise tampered("the log entry is not about an artifact of this kind")
        if recorded.digest != bundle.message.digest.hex():
            raise tampered("the log recorded another artifact")


class Recorded(msgspec.Struct, frozen=True):
    """What a Rekor v1 entry says was signed, and by whom (PEM)."""

    signature: bytes
    verifier: bytes
    digest: str
    """Of what was signed: for an envelope, of its payload."""
    algorithm: str
    envelope: str
    """The digest of the envelope; for what is no envelope, the same again."""


def read_recorded(entry: LogEntry) -> Recorded:
    """The content of a Rekor v1 entry's body.

    Raises:
        RejectedError: it is not complete.
    """
    spec = entry.spec
    whole: dict[str, Any] = {}
    if entry.kind == "hashedrekord 0.0.1":
        signature = mapping(spec.get("signature"))
        digest = mapping(mapping(spec.get("data")).get("hash"))
        content, key = signature.get("content"), mapping(signature.get("publicKey")).get("content")
    elif entry.kind == "dsse 0.0.1":
        first = mapping(next(iter(sequence(spec.get("signatures"))), None))
        content, key = first.get("signature"), first.get("verifier")
        digest, whole = mapping(spec.get("payloadHash")), mapping(spec.get("envelopeHash"))
    else:
        content, key, digest = _intoto(spec)
        whole = mapping(mapping(spec.get("content")).get("hash"))
    return Recorded(
        _octets(content),
        _octets(key),
        str(digest.get("value")),
        str(digest.get("algorithm")),
        str((whole or digest).get("value")),
    )


def _intoto(spec: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """An `intoto 0.0.2` body, which encodes the signature twice."""
    content = mapping(spec.get("content"))
    envelope = mapping(content.get("envelope"))
    first = mapping(next(iter(sequence(envelope.get("signatures"))), None))
    inner = _octets(first.get("sig")).decode("ascii", "replace")
    return inner, first.get("publicKey"), mapping(content.get("payloadHash"))


def _octets(value: Any) -> bytes:
    found = standard_base64(value)
    if found is None:
        raise tampered("the log entry holds broken base64")
    return found


def is_signer(text: bytes, signer: Signer) -> bool:
    """Whether a PEM text is the signer's certificate alone, or its key where it has none."""
    block = pem.decode(text)
    if block is None or block[1]:
        return False
    if signer.certificate is not None:
        return bool(block[0] == signer.certificate.public_bytes(Encoding.DER))
    return block[0] == signer.key.spki
