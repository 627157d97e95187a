# SPDX-License-Identifier: Apache-2.0
"""Does a Notary Project signature (JWS) hold, given a trust store?

Authority: notaryproject/specifications specs/signature-envelope-jws.md, signature-specification.md
(payload, signing schemes, expiry) and trust-store-trust-policy.md (the chain ends in a certificate
of the trust store; `trustedIdentities`: `*` or parts of the subject). Revocation is not asked for:
that would need the network. Without a timestamp the certificates must be valid now. COSE envelopes
are not read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID

from kguard.layers.images.verification.log import valid_at
from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.rejected import (
    RejectedError,
    tampered,
    unsupported,
    untimed,
    untrusted,
)
from kguard.layers.images.verification.trusted_root import load_certificate, read_time
from kguard.model.manifests import JsonObject, mapping, sequence

MEDIA_TYPE = "application/jose+json"
MAX_ENVELOPE = 10 << 20
MAX_CHAIN = 16
_PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
_PREFIX = "io.cncf.notary."
_SCHEME = _PREFIX + "signingScheme"
_EXPIRY, _AUTHENTIC = _PREFIX + "expiry", _PREFIX + "authenticSigningTime"
_CRITICAL = frozenset({_SCHEME, _EXPIRY, _AUTHENTIC})
_SCHEMES = ("notary.x509", "notary.x509.signingAuthority")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*\Z")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_RSA_BITS = {"256": 2048, "384": 3072, "512": 4096}
_CURVES = {"256": "secp256r1", "384": "secp384r1", "512": "secp521r1"}


class TrustStore(msgspec.Struct, frozen=True):
    """Certificates that a chain may end in, and which subjects are trusted."""

    certificates: tuple[Any, ...]
    subjects: tuple[str, ...] = ()
    """Parts of a subject (`C=XX, O=acme`) of which one must fit; without any, all do."""


class NotationSigner(msgspec.Struct, frozen=True):
    """Who signed: the subject of the certificate, and whether it is trusted."""

    subject: str
    issuer: str
    trusted: bool


def verify_notation(
    content: bytes, media_type: str, store: TrustStore, digest: str, now: datetime
) -> NotationSigner:
    """Check a signature about an image.

    Raises:
        RejectedError: with the class of the first step that fails.
    """
    if media_type != MEDIA_TYPE:
        raise unsupported(f"a notation signature of type {media_type} is not read")
    envelope = _object(content[:MAX_ENVELOPE], "the envelope")
    protected = _object(_part(envelope.get("protected")), "its protected header")
    chain = _chain(envelope)
    _verify_signature(envelope, protected, chain[0])
    _check_header(protected, now)
    _verify_chain(chain, store, _moment(protected, now))
    target = mapping(_object(_part(envelope.get("payload")), "its payload").get("targetArtifact"))
    if target.get("digest") != digest:
        raise tampered("the notation signature is about another image")
    name, root = chain[0].subject.rfc4514_string(), chain[-1].subject.rfc4514_string()
    return NotationSigner(name, root, _is_trusted(chain[0], store))


def _object(raw: bytes, what: str) -> JsonObject:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise unsupported(f"{what} of the notation signature is no JSON") from None
    return mapping(value)


def _part(value: Any) -> bytes:
    if not isinstance(value, str) or not _URL_SAFE.match(value):
        raise unsupported("a part of the notation signature is no base64url text")
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except binascii.Error:
        raise unsupported("a part of the notation signature is no base64url text") from None


def _chain(envelope: JsonObject) -> list[x509.Certificate]:
    entries = sequence(mapping(envelope.get("header")).get("x5c"))
    if not 1 <= len(entries) <= MAX_CHAIN:
        raise unsupported("the notation signature carries no chain of certificates")
    return [load_certificate(standard_base64(entry) or b"") for entry in entries]


def _verify_signature(envelope: JsonObject, protected: JsonObject, leaf: x509.Certificate) -> None:
    signed = f"{envelope.get('protected')}.{envelope.get('payload')}".encode()
    signature, algorithm = _part(envelope.get("signature")), str(protected.get("alg"))
    kind, size = algorithm[:2], algorithm[2:]
    key = leaf.public_key()
    if size not in _HASHES:
        raise unsupported(f"the algorithm {algorithm} is not allowed")
    try:
        if kind == "PS" and isinstance(key, rsa.RSAPublicKey) and key.key_size == _RSA_BITS[size]:
            salt = padding.PSS(padding.MGF1(_HASHES[size]), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, signed, salt, _HASHES[size])
        elif kind == "ES" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(signature, key, size), signed, ec.ECDSA(_HASHES[size]))
        else:
            raise tampered(f"its key does not fit the algorithm {algorithm}")
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        raise tampered("the notation signature does not hold") from None


def _der(signature: bytes, key: ec.EllipticCurvePublicKey, size: str) -> bytes:
    """RFC 7518 section 3.4: two numbers of the curve's size, one after the other."""
    length = (key.curve.key_size + 7) // 8
    if key.curve.name != _CURVES[size] or len(signature) != 2 * length:
        raise ValueError("the signature does not fit the curve")
    first, second = signature[:length], signature[length:]
    return utils.encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))


def _check_header(protected: JsonObject, now: datetime) -> None:
    if protected.get("cty") != _PAYLOAD:
        raise unsupported("the notation signature is about something else than an artifact")
    critical = {name for name in sequence(protected.get("crit")) if isinstance(name, str)}
    if unknown := sorted(critical - _CRITICAL):
        raise unsupported(f"a critical header is not known: {unknown[0]}")
    if protected.get(_SCHEME) not in _SCHEMES or _SCHEME not in critical:
        raise unsupported("the signing scheme is not known")
    if _EXPIRY in protected and (expiry := read_time(protected[_EXPIRY])) < now:
        raise untimed(f"the notation signature expired on {expiry.date()}")


def _moment(protected: JsonObject, now: datetime) -> datetime:
    """When the certificates must have been valid: when an authority says it signed, else now."""
    if protected.get(_SCHEME) != _SCHEMES[1]:
        return now
    if _AUTHENTIC not in protected:
        raise untimed("the signing authority does not say when it signed")
    return read_time(protected[_AUTHENTIC])


def _verify_chain(chain: list[x509.Certificate], store: TrustStore, time: datetime) -> None:
    for certificate, issuer in pairwise(chain):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise tampered("its certificates are no chain") from None
        if not _is_authority(issuer):
            raise untrusted("a certificate of its chain may not issue others")
    if not any(certificate in store.certificates for certificate in chain):
        raise untrusted("its certificates lead to none of the trust store")
    if not all(valid_at(certificate, time) for certificate in chain):
        raise untimed("its certificates are not valid, and no timestamp says that they were")
    if not _may_sign(chain[0]):
        raise tampered("its certificate is not for code signing")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return found.ca


def _may_sign(certificate: x509.Certificate) -> bool:
    """Key usage must allow signatures; an extended one, where there is any, code signing."""
    extensions = certificate.extensions
    try:
        if not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return False
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as missing:
        return missing.oid == x509.ExtendedKeyUsage.oid
    return ExtendedKeyUsageOID.CODE_SIGNING in usages


def _is_trusted(leaf: x509.Certificate, store: TrustStore) -> bool:
    own = {part.strip() for part in leaf.subject.rfc4514_string().split(",")}
    wanted = [{part.strip() for part in text.split(",")} for text in store.subjects]
    return not wanted or any(parts <= own for parts in wanted)


def read_store(raw: bytes, subjects: tuple[str, ...]) -> TrustStore:
    """A trust store of certificates (PEM).

    Raises:
        RejectedError: it holds none.
    """
    from kguard.layers.images.verification.pem import certificates

    try:
        return TrustStore(tuple(certificates(raw)), subjects)
    except RejectedError as error:
        raise unsupported(f"no certificates (PEM): {error.reason}") from None
