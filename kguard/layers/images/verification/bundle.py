# SPDX-License-Identifier: Apache-2.0
"""What is in a Sigstore bundle?

Authority: sigstore/protobuf-specs protos/sigstore_bundle.proto and sigstore/sigstore-go
pkg/bundle/bundle.go (`validate`): 0.1 needs an inclusion promise, later versions an inclusion
proof, 0.3 has one certificate instead of a chain.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from kguard.layers.images.verification.messages import (
    enumeration,
    integer,
    items,
    message,
    octets,
    optional,
    text,
)
from kguard.layers.images.verification.rejected import tampered, unsupported

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle"
MAX_BUNDLE_BYTES = 16 << 20
MAX_LOG_ENTRIES = 32
MAX_TIMESTAMPS = 32

_OLD = re.compile(re.escape(MEDIA_TYPE) + r"\+json;version=0\.([123])\Z")
_NEW = re.compile(re.escape(MEDIA_TYPE) + r"\.v0\.(\d+)(?:\.\d+)?\+json\Z")
_KNOWN_VERSIONS = (1, 2, 3)
_ALGORITHMS = {
    "SHA2_256": "sha256",
    "SHA2_384": "sha384",
    "SHA2_512": "sha512",
    1: "sha256",
    2: "sha384",
    3: "sha512",
}


_HASHES = (
    "HASH_ALGORITHM_UNSPECIFIED",
    *("SHA2_256", "SHA2_384", "SHA2_512", "SHA3_256", "SHA3_384"),
)
_KEY_DETAILS = (
    "PUBLIC_KEY_DETAILS_UNSPECIFIED",
    *("PKCS1_RSA_PKCS1V5", "PKCS1_RSA_PSS", "PKIX_RSA_PKCS1V5", "PKIX_RSA_PSS"),
    *(f"PKIX_RSA_PKCS1V15_{size}_SHA256" for size in (2048, 3072, 4096)),
    *(f"PKIX_RSA_PSS_{size}_SHA256" for size in (2048, 3072, 4096)),
    *("PKIX_ECDSA_P256_HMAC_SHA_256", "PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384"),
    *("PKIX_ECDSA_P521_SHA_512", "PKIX_ED25519", "PKIX_ED25519_PH"),
    *("PKIX_ECDSA_P384_SHA_256", "PKIX_ECDSA_P521_SHA_256", "LMS_SHA256", "LMOTS_SHA256"),
    *("ML_DSA_44", "ML_DSA_65", "ML_DSA_87"),
)
"""The names of sigstore/protobuf-specs v0.5.1 protos/sigstore_common.proto."""


class Proof(msgspec.Struct, frozen=True):
    """An inclusion proof of a transparency log."""

    index: int
    root: bytes
    size: int
    hashes: tuple[bytes, ...]
    checkpoint: str


class LogEntry(msgspec.Struct, frozen=True):
    """One entry of a transparency log; `promise` is its signed entry timestamp."""

    index: int
    log_id: bytes
    integrated_time: int
    promise: bytes
    proof: Proof | None
    body: bytes
    kind: str
    """As the body says: `hashedrekord 0.0.2` ..., never as the unsigned label says."""
    spec: dict[str, Any]

    @property
    def is_v2(self) -> bool:
        """Whether it is an entry of Rekor v2."""
        return self.kind == "hashedrekord 0.0.2"


class Envelope(msgspec.Struct, frozen=True):
    """A DSSE envelope."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[bytes, str], ...]
    """Signature and key id."""

    @property
    def pae(self) -> bytes:
        """What is really signed (DSSE's pre-authentication encoding)."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)


class Message(msgspec.Struct, frozen=True):
    """A signature over an artifact that is not in the bundle."""

    digest: bytes
    algorithm: str
    signature: bytes


class Bundle(msgspec.Struct, frozen=True):
    """A parsed bundle. Exactly one of `certificate` and `hint` and of `envelope` and `message`."""

    version: int
    """The minor version: 1, 2 or 3."""
    certificate: bytes | None
    chain: tuple[bytes, ...]
    """Further certificates of an old bundle."""
    hint: str | None
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    envelope: Envelope | None
    message: Message | None

    @property
    def signature(self) -> bytes:
        """The one signature; empty where an envelope has none or several."""
        if self.message is not None:
            return self.message.signature
        signatures = self.envelope.signatures if self.envelope else ()
        return signatures[0][0] if len(signatures) == 1 else b""


def parse(raw: bytes) -> Bundle:
    """Read a bundle.

    Raises:
        RejectedError: `unsupported_format` where it is no bundle of a known version, `tampered`
            where a log entry lacks what its version demands.
    """
    fields = message(_json(raw), _BUNDLE, "the bundle")
    version = _version(text(fields.get("mediaType"), "mediaType"))
    material = message(fields.get("verificationMaterial"), _MATERIAL, "verificationMaterial")
    envelope, content = _content(fields)
    certificate, chain, hint = _key(material, version)
    entries = _entries(material.get("tlogEntries"))
    _check_entries(entries, version)
    return Bundle(
        version=version,
        certificate=certificate,
        chain=chain,
        hint=hint,
        entries=entries,
        timestamps=_timestamps(material.get("timestampVerificationData")),
        envelope=envelope,
        message=content,
    )


_BUNDLE = ("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope")
_MATERIAL = (
    "certificate",
    "x509CertificateChain",
    "publicKey",
    "tlogEntries",
    "timestampVerificationData",
)
_ENTRY = (
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
)


def _json(raw: bytes) -> Any:
    if len(raw) > MAX_BUNDLE_BYTES:
        raise unsupported(f"the bundle has more than {MAX_BUNDLE_BYTES >> 20} MiB")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise unsupported("the bundle is no JSON") from None


def _version(media_type: str) -> int:
    match = _OLD.match(media_type) or _NEW.match(media_type)
    if match is None or int(match[1]) not in _KNOWN_VERSIONS:
        raise unsupported(f"{media_type!r} is no known version of a bundle")
    return int(match[1])


def _content(fields: dict[str, Any]) -> tuple[Envelope | None, Message | None]:
    if ("dsseEnvelope" in fields) == ("messageSignature" in fields):
        raise unsupported("the bundle must hold either an envelope or a message signature")
    if "dsseEnvelope" in fields:
        return _envelope(fields["dsseEnvelope"]), None
    return None, _message(fields["messageSignature"])


def _envelope(value: Any) -> Envelope:
    fields = message(value, ("payload", "payloadType", "signatures"), "dsseEnvelope")
    signatures = []
    for entry in items(fields.get("signatures"), "signatures"):
        part = message(entry, ("sig", "keyid"), "signatures")
        signatures.append((octets(part.get("sig"), "sig"), text(part.get("keyid"), "keyid")))
    return Envelope(
        octets(fields.get("payload"), "payload"),
        text(fields.get("payloadType"), "payloadType"),
        tuple(signatures),
    )


def _message(value: Any) -> Message:
    fields = message(value, ("messageDigest", "signature"), "messageSignature")
    digest = optional(fields.get("messageDigest"), ("algorithm", "digest"), "messageDigest")
    algorithm = digest.get("algorithm")
    known = algorithm if isinstance(algorithm, str | int) else ""
    return Message(
        octets(digest.get("digest"), "digest"),
        _ALGORITHMS.get(known, ""),
        octets(fields.get("signature"), "signature"),
    )


def _key(
    material: dict[str, Any], version: int
) -> tuple[bytes | None, tuple[bytes, ...], str | None]:
    """The leaf certificate, the certificates after it, or the hint of a public key."""
    given = [n for n in ("certificate", "x509CertificateChain", "publicKey") if n in material]
    if len(given) != 1:
        raise unsupported("the bundle must hold one certificate or one public key hint")
    if given == ["publicKey"]:
        hint = message(material["publicKey"], ("hint",), "publicKey").get("hint")
        return None, (), text(hint, "hint")
    if given == ["certificate"]:
        return _certificate(material["certificate"]), (), None
    if version >= _KNOWN_VERSIONS[-1]:
        raise unsupported("a bundle of version 0.3 holds no certificate chain")
    chain = message(material["x509CertificateChain"], ("certificates",), "x509CertificateChain")
    certificates = [_certificate(c) for c in items(chain.get("certificates"), "certificates")]
    if not certificates:
        raise unsupported("the certificate chain is empty")
    return certificates[0], tuple(certificates[1:]), None


def _certificate(value: Any) -> bytes:
    raw = octets(message(value, ("rawBytes",), "certificate").get("rawBytes"), "rawBytes")
    if not raw:
        raise unsupported("the certificate is empty")
    return raw


def _timestamps(value: Any) -> tuple[bytes, ...]:
    fields = optional(value, ("rfc3161Timestamps",), "timestampVerificationData")
    found = []
    for entry in items(fields.get("rfc3161Timestamps"), "rfc3161Timestamps"):
        part = message(entry, ("signedTimestamp",), "rfc3161Timestamps")
        found.append(octets(part.get("signedTimestamp"), "signedTimestamp"))
    if len(found) > MAX_TIMESTAMPS:
        raise unsupported(f"the bundle has more than {MAX_TIMESTAMPS} timestamps")
    return tuple(found)


def _entries(value: Any) -> tuple[LogEntry, ...]:
    found = items(value, "tlogEntries")
    if len(found) > MAX_LOG_ENTRIES:
        raise unsupported(f"the bundle has more than {MAX_LOG_ENTRIES} log entries")
    return tuple(_entry(entry) for entry in found)


def _entry(value: Any) -> LogEntry:
    fields = message(value, _ENTRY, "tlogEntries")
    log_id = optional(fields.get("logId"), ("keyId",), "logId")
    promise = optional(
        fields.get("inclusionPromise"), ("signedEntryTimestamp",), "inclusionPromise"
    )
    body = octets(fields.get("canonicalizedBody"), "canonicalizedBody")
    index = integer(fields.get("logIndex"), "logIndex")
    if index < 0 or not body or "keyId" not in log_id or "kindVersion" not in fields:
        raise unsupported("a log entry is not complete")
    label = message(fields["kindVersion"], ("kind", "version"), "kindVersion")
    for name in label:
        text(label[name], name)
    kind, spec = read_body(body)
    return LogEntry(
        index=index,
        log_id=octets(log_id["keyId"], "keyId"),
        integrated_time=integer(fields.get("integratedTime"), "integratedTime"),
        promise=octets(promise.get("signedEntryTimestamp"), "signedEntryTimestamp"),
        proof=_proof(fields.get("inclusionProof")),
        body=body,
        kind=kind,
        spec=spec,
    )


def read_body(body: bytes) -> tuple[str, dict[str, Any]]:
    """Kind with version, and the specification of a log entry's body."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise unsupported("the body of a log entry is no JSON") from None
    if not isinstance(value, dict) or not isinstance(value.get("spec"), dict):
        raise unsupported("the body of a log entry has no known form")
    kind, version = value.get("kind"), value.get("apiVersion")
    if version == "0.0.2" and ("hashedRekordV002" in value["spec"] or kind == "hashedrekord"):
        _check_v2_body(value)
        kind = "hashedrekord"
    return f"{kind} {version}", value["spec"]


def _check_v2_body(value: dict[str, Any]) -> None:
    """A Rekor v2 body is a protocol buffer: fields that nobody knows make it unreadable.

    Its specification says what it is; the text of `kind` is not looked at.
    """
    fields = message(value, ("apiVersion", "kind", "spec"), "the body of a log entry")
    text(fields.get("kind"), "kind")
    spec = message(fields["spec"], ("hashedRekordV002",), "its specification")
    record = message(spec.get("hashedRekordV002"), ("data", "signature"), "hashedRekordV002")
    data = message(record.get("data"), ("algorithm", "digest"), "data")
    octets(data.get("digest"), "digest")
    enumeration(data.get("algorithm"), _HASHES, "algorithm")
    signature = message(record.get("signature"), ("content", "verifier"), "signature")
    octets(signature.get("content"), "content")
    names = ("keyDetails", "publicKey", "x509Certificate")
    verifier = message(signature.get("verifier"), names, "verifier")
    enumeration(verifier.get("keyDetails"), _KEY_DETAILS, "keyDetails")
    for name in names[1:]:
        if name in verifier:
            octets(message(verifier[name], ("rawBytes",), name).get("rawBytes"), "rawBytes")


def _proof(value: Any) -> Proof | None:
    if value is None:
        return None
    names = ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
    fields = message(value, names, "inclusionProof")
    checkpoint = optional(fields.get("checkpoint"), ("envelope",), "checkpoint")
    note = text(checkpoint.get("envelope"), "envelope")
    if not note:
        raise unsupported("the inclusion proof has no checkpoint")
    return Proof(
        integer(fields.get("logIndex"), "logIndex"),
        octets(fields.get("rootHash"), "rootHash"),
        integer(fields.get("treeSize"), "treeSize"),
        tuple(octets(entry, "hashes") for entry in items(fields.get("hashes"), "hashes")),
        note,
    )


def _check_entries(entries: tuple[LogEntry, ...], version: int) -> None:
    if not entries:
        return
    if version == 1 and not any(entry.promise for entry in entries):
        raise tampered("a bundle of version 0.1 needs an inclusion promise")
    if version > 1 and not any(entry.proof for entry in entries):
        raise tampered("the log entry has no inclusion proof")
