# SPDX-License-Identifier: Apache-2.0
"""What of a certificate does Go read, where it skips the rest?

Authority: Go's crypto/x509 parser.go (`parseCertificate`, `parseExtension`, `processExtensions`)
and golang.org/x/crypto/cryptobyte: each part is read from the front of what holds it, and what
follows the last part that is wanted is not looked at; `cryptography` refuses it. Of use only where
nothing is believed of the certificate: the chain beside a legacy signature must be readable for
cosign, which then verifies with the trusted root alone.
"""

from __future__ import annotations

from cryptography import x509

from kguard.layers.images.verification.der import SEQUENCE, Value, build, first, parse
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import read_certificate

_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
_BOOLEAN, _OCTETS, _INTEGER, _OID = 0x01, 0x04, 0x02, 0x06
_NEWEST = 2
_BASIC_CONSTRAINTS = "551d13"
_FROM_THE_FRONT = frozenset(
    f"551d{number:02x}" for number in (14, 15, 17, 19, 31, 32, 33, 35, 36, 37, 54)
) | {"2b06010505070101"}
"""Extensions of which Go reads one value, and not what follows it."""
_UNREAD = frozenset(f"551d{number:02x}" for number in (18, 28, 46)) | {
    "2b06010505070118",
    *(f"2b06010401d67902040{number}" for number in range(2, 6)),
}
"""Extensions that `cryptography` reads and Go does not: other names of the issuer, further lists of
revoked certificates, features of TLS, certificate transparency."""


def read_leniently(raw: bytes) -> x509.Certificate:
    """A certificate, as far as Go reads it.

    Raises:
        RejectedError: Go refuses it.
    """
    try:
        return read_certificate(raw)
    except RejectedError as error:
        try:
            return read_certificate(as_read(raw))
        except ValueError:
            raise error from None


def as_read(raw: bytes) -> bytes:
    """A certificate with nothing that Go does not look at.

    Raises:
        ValueError: Go cannot read it either.
    """
    whole = parse(raw)
    signed, algorithm, signature = _read(whole.content, 3)
    return build(whole.tag, [_signed(signed), _algorithm(algorithm), signature.whole])


def _read(content: bytes, count: int) -> list[Value]:
    """The first values of a constructed one."""
    found = []
    for _ in range(count):
        value, content = first(content)
        found.append(value)
    return found


def _signed(value: Value) -> bytes:
    rest, found, version = value.content, [], 0
    if rest[:1] == bytes([_VERSION]):
        number, rest = first(rest)
        (inner,) = _read(number.content, 1)
        version = int.from_bytes(inner.content, "big")
        found.append(build(_VERSION, [inner.whole]))
    serial, algorithm, issuer, validity, subject, key = parts = _read(rest, 6)
    found += [serial.whole, _algorithm(algorithm), _name(issuer), _front(validity, 2)]
    found += [_name(subject), _key(key)]
    rest = rest[sum(len(part.whole) for part in parts) :]
    return build(value.tag, found + _optional(rest, version))


def _optional(rest: bytes, version: int) -> list[bytes]:
    """What may stand after the key; older versions have nothing there that is read."""
    found = []
    for tag in (_ISSUER_ID, _SUBJECT_ID):
        if version and rest[:1] == bytes([tag]):
            value, rest = first(rest)
            found.append(value.whole)
    if version == _NEWEST and rest[:1] == bytes([_EXTENSIONS]):
        outer, _ = first(rest)
        (listed,) = _read(outer.content, 1)
        entries = [(_is_unread(entry), _extension(entry)) for entry in listed.parts]
        if read := [entry for unread, entry in entries if not unread]:
            found.append(build(_EXTENSIONS, [build(listed.tag, read)]))
    return found


def _is_unread(value: Value) -> bool:
    return first(value.content)[0].content.hex() in _UNREAD


def _extension(value: Value) -> bytes:
    kind, rest = first(value.content)
    if value.tag != SEQUENCE or kind.tag != _OID:
        raise ValueError("an extension has no name")
    found = [kind.whole]
    if rest[:1] == bytes([_BOOLEAN]):
        critical, rest = first(rest)
        if any(critical.content):
            found.append(critical.whole)
    content, _ = first(rest)
    if content.tag != _OCTETS:
        raise ValueError("an extension has no value")
    return build(value.tag, [*found, build(_OCTETS, [_content(kind, content.content)])])


def _content(kind: Value, content: bytes) -> bytes:
    if kind.content.hex() not in _FROM_THE_FRONT:
        return content
    value, _ = first(content)
    if kind.content.hex() != _BASIC_CONSTRAINTS:
        return value.whole
    found, rest = [], value.content
    for tag in (_BOOLEAN, _INTEGER):
        if rest[:1] == bytes([tag]):
            part, rest = first(rest)
            if tag != _BOOLEAN or any(part.content):
                found.append(part.whole)
    return build(value.tag, found)


def _algorithm(value: Value) -> bytes:
    return _front(value, 1 if len(first(value.content)[1]) == 0 else 2)


def _name(value: Value) -> bytes:
    sets = [build(s.tag, [_front(pair, 2) for pair in s.parts]) for s in value.parts]
    return build(value.tag, sets)


def _key(value: Value) -> bytes:
    algorithm, bits = _read(value.content, 2)
    return build(value.tag, [_algorithm(algorithm), bits.whole])


def _front(value: Value, count: int) -> bytes:
    if value.tag not in (SEQUENCE, _OID):
        raise ValueError("a part is of another kind")
    return build(value.tag, [part.whole for part in _read(value.content, count)])
