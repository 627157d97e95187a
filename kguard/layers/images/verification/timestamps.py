# SPDX-License-Identifier: Apache-2.0
"""Which times do trusted timestamp authorities vouch for?

Authority: RFC 3161; sigstore/sigstore-go pkg/verify/tsa.go and
pkg/root/timestamping_authority.go (the authority's period counts with both ends; a second
timestamp of the same authority is ignored, not an error).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from kguard.layers.images.verification import der
from kguard.layers.images.verification.rejected import RejectedError, tampered, untimed, untrusted
from kguard.layers.images.verification.trusted_root import Authority, TrustedRoot

_HASHES = ("sha256", "sha384", "sha512")


def verified_times(
    timestamps: tuple[bytes, ...], signed: bytes, root: TrustedRoot
) -> tuple[list[datetime], RejectedError | None]:
    """The times of the timestamps over some bytes that hold.

    Returns:
        The times, and why the first timestamp that does not hold fails.
    """
    found: dict[str, datetime] = {}
    problem: RejectedError | None = None
    for raw in timestamps:
        try:
            authority, time = _verify(raw, signed, root)
        except RejectedError as error:
            problem = problem or error
            continue
        found.setdefault(authority.uri, time)
    return list(found.values()), problem


def _verify(raw: bytes, signed: bytes, root: TrustedRoot) -> tuple[Authority, datetime]:
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(as_stated(raw))
        time: datetime = response.tst_info.gen_time
    except ValueError:
        raise tampered("the timestamp cannot be read") from None
    known = False
    for authority in root.timestamp_authorities:
        if not _holds(authority, response, signed):
            continue
        known = True
        if authority.period.holds(time):
            return authority, time
    if known:
        raise untimed("the timestamp authority was not trusted at that time")
    if not _is_over(response, signed):
        raise tampered("the timestamp is over something else")
    raise untrusted("the timestamp is of no trusted authority, or does not hold")


def as_stated(raw: bytes) -> bytes:
    """The response with what is redundant in its token rebuilt from what its one signer states.

    The list of digest algorithms and the type of the content are neither signed nor needed: to Go
    any will do that can be read, OpenSSL refuses wrong ones. The algorithm of the signature is read
    by Go alone, and must fit the digest.

    Raises:
        ValueError: it is no response.
    """
    response = der.parse(raw)
    status, token = response.parts
    kind, wrapped = token.parts
    (data,) = wrapped.parts
    version, digests, content, *others, signers = data.parts
    (signer,) = signers.parts
    named, inner = content.parts
    if not der.is_name(named) or not _is_list(digests):
        raise ValueError("its kind or its digests cannot be read")
    digest, algorithm = _algorithms(signer.parts)
    if algorithm not in _SIGNATURES.get(digest, ()):
        raise ValueError("its signature is of another kind than its digest")
    _, _, hashed, *_ = signer.parts
    listed = der.build(digests.tag, [hashed.whole])
    stated = der.build(content.tag, [_TST_INFO, der.build(_EXPLICIT, [inner.content])])
    whole = [version.whole, listed, stated, *(other.whole for other in others), signers.whole]
    again = der.build(wrapped.tag, [der.build(data.tag, whole)])
    return der.build(response.tag, [status.whole, der.build(token.tag, [kind.whole, again])])


def _is_list(digests: der.Value) -> bool:
    """Whether Go can read a list of algorithms: a name each, and perhaps a value."""
    return digests.tag == der.SET and all(map(_is_algorithm, digests.parts))


def _is_algorithm(value: der.Value) -> bool:
    name, rest = der.first(value.content)
    if rest:
        der.first(rest)
    return value.tag == der.SEQUENCE and der.is_name(name)


def _algorithms(signer: list[der.Value]) -> tuple[str, str]:
    """The digest and the signature algorithm of a signer, as hexadecimal object identifiers."""
    named = [value.parts for value in signer[2:] if value.tag == der.SEQUENCE]
    (digest, *_), (algorithm, *_) = named[:2]
    return digest.content.hex(), algorithm.content.hex()


_EXPLICIT = 0xA0
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_KEYS = ("2a8648ce3d0201", "2a8648ce3d030107", "2b81040022", "2b81040023", "2a864886f70d010101")
"""Algorithms of keys, which leave the digest open: ECDSA, P-256, P-384, P-521, RSA."""
_SIGNATURES = {
    "608648016503040201": ("2a8648ce3d040302", "2a864886f70d01010b", *_KEYS),
    "608648016503040202": ("2a8648ce3d040303", "2a864886f70d01010c", *_KEYS),
    "608648016503040203": ("2a8648ce3d040304", "2a864886f70d01010d", *_KEYS),
}
"""SHA-256, SHA-384 and SHA-512, each with ECDSA and PKCS #1 v1.5 (digitorus/pkcs7 verify.go)."""


def _is_over(response: Any, signed: bytes) -> bool:
    """Whether the timestamp states the hash of these bytes (with any usual algorithm)."""
    stated = response.tst_info.message_imprint.message
    return any(hashlib.new(name, signed).digest() == stated for name in _HASHES)


def _holds(authority: Authority, response: Any, signed: bytes) -> bool:
    from rfc3161_client import VerificationError, VerifierBuilder

    *others, top = authority.certificates
    builder = VerifierBuilder().add_root_certificate(top)
    for certificate in others:
        if _is_authority(certificate):
            builder = builder.add_intermediate_certificate(certificate)
        else:
            builder = builder.tsa_certificate(certificate)
    try:
        return bool(builder.build().verify_message(response, signed))
    except (VerificationError, ValueError):
        return False


def _is_authority(certificate: Any) -> bool:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return bool(found.ca)
