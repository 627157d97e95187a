# SPDX-License-Identifier: Apache-2.0
"""How is a timestamp token written down?

Authority: ITU-T X.690 (DER), RFC 5652 (signed data), RFC 3161 (timestamp response) and RFC 5035
(signing certificate, version 2). Only what a timestamp needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_SEQUENCE, _SET = 0x30, 0x31
_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_POLICY = "1.3.6.1.4.1.57264.2"


def timestamp_response(
    signed: bytes,
    time: datetime,
    certificate: x509.Certificate,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """A granted response with a token over some bytes, without certificates in it."""
    imprint = sequence(_algorithm(_SHA256), octets(hashlib.sha256(signed).digest()))
    serial = int.from_bytes(hashlib.sha256(signed).digest()[:8], "big")
    info = sequence(number(1), oid(_POLICY), imprint, number(serial), _time(time))
    attributes = sorted(
        (
            _attribute(_CONTENT_TYPE, oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, octets(hashlib.sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE, _signing_certificate(certificate)),
        )
    )
    body = b"".join(attributes)
    issuer = certificate.issuer.public_bytes()
    signer = sequence(
        number(1),
        sequence(issuer, number(certificate.serial_number)),
        _algorithm(_SHA256),
        tagged(0xA0, body),
        _algorithm(_ECDSA_SHA256),
        octets(sign(tagged(_SET, body))),
    )
    content = sequence(oid(_TST_INFO), tagged(0xA0, octets(info)))
    data = sequence(number(3), tagged(_SET, _algorithm(_SHA256)), content, tagged(_SET, signer))
    token = sequence(oid(_SIGNED_DATA), tagged(0xA0, data))
    return sequence(sequence(number(0)), token)


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), tagged(_SET, value))


def _signing_certificate(certificate: x509.Certificate) -> bytes:
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return sequence(sequence(sequence(octets(digest))))


def _algorithm(name: str) -> bytes:
    return sequence(oid(name))


def _time(moment: datetime) -> bytes:
    return tagged(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of encoded parts."""
    return tagged(_SEQUENCE, b"".join(parts))


def octets(raw: bytes) -> bytes:
    """An OCTET STRING."""
    return tagged(0x04, raw)


def number(value: int) -> bytes:
    """A non-negative INTEGER."""
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(name: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *others = map(int, name.split("."))
    body = bytes([first * 40 + second])
    for arc in others:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return tagged(0x06, body)


def tagged(tag: int, body: bytes) -> bytes:
    """Tag, length, content."""
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body
