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
        response = decode_timestamp_response(raw)
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
