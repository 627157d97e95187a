# SPDX-License-Identifier: Apache-2.0
"""Which certificate authorities, logs and timestamp authorities are trusted?

Authority: sigstore/protobuf-specs protos/sigstore_trustroot.proto and sigstore/sigstore-go
pkg/root/trusted_root.go (a log is found by the exact id that the root states; it must state when
it became valid).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from kguard.layers.images.verification.der import first, parse
from kguard.layers.images.verification.keys import PublicKey, load_der, wrap
from kguard.layers.images.verification.messages import octets
from kguard.layers.images.verification.rejected import unsupported
from kguard.model.manifests import mapping, sequence

MAX_ROOT_BYTES = 4 << 20
MAX_ROOTS = 16
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a beginning that nobody stated."""


class Period(msgspec.Struct, frozen=True):
    """When something is valid; both ends belong to it."""

    start: datetime | None
    end: datetime | None

    def holds(self, time: datetime) -> bool:
        """Whether a moment lies in the period."""
        early = self.start is not None and time < self.start
        late = self.end is not None and time > self.end
        return not early and not late


class Log(msgspec.Struct, frozen=True):
    """A transparency log or a certificate transparency log."""

    log_id: bytes
    host: str
    key: PublicKey
    period: Period


class Authority(msgspec.Struct, frozen=True):
    """A chain of certificates, the root last."""

    uri: str
    certificates: tuple[Any, ...]
    period: Period


class TrustedRoot(msgspec.Struct, frozen=True):
    """A parsed trusted_root.json."""

    logs: dict[bytes, Log]
    ct_logs: dict[bytes, Log]
    authorities: tuple[Authority, ...]
    timestamp_authorities: tuple[Authority, ...]
    raw: bytes

    @property
    def newest(self) -> datetime | None:
        """When its newest part began to be valid; None where it does not say."""
        parts = [*self.logs.values(), *self.ct_logs.values()]
        periods = [part.period for part in parts]
        periods += [a.period for a in (*self.authorities, *self.timestamp_authorities)]
        starts = [period.start for period in periods if period.start is not None]
        return max((start for start in starts if start > ALWAYS), default=None)


def parse_roots(raw: bytes) -> list[TrustedRoot]:
    """One trusted root, or several as `gh attestation trusted-root` prints them, one a line.

    Raises:
        RejectedError: one of them is none.
    """
    lines = [line for line in raw[:MAX_ROOT_BYTES].splitlines() if line.strip()]
    if 1 < len(lines) <= MAX_ROOTS and all(line.startswith(b'{"') for line in lines):
        return [parse_root(line) for line in lines]
    return [parse_root(raw)]


def parse_root(raw: bytes) -> TrustedRoot:
    """Read a trusted root.

    Raises:
        RejectedError: it is no trusted root, or one of its parts cannot be used.
    """
    try:
        value = json.loads(raw[:MAX_ROOT_BYTES])
    except (ValueError, RecursionError):
        raise unsupported("the trusted root is no JSON") from None
    if not isinstance(value, dict) or "trustedroot" not in str(value.get("mediaType")):
        raise unsupported("the file is no trusted root (trusted_root.json)")
    return TrustedRoot(
        logs=_logs(value.get("tlogs"), need_start=True),
        ct_logs=_logs(value.get("ctlogs"), need_start=False),
        authorities=tuple(map(_authority, sequence(value.get("certificateAuthorities")))),
        timestamp_authorities=tuple(map(_authority, sequence(value.get("timestampAuthorities")))),
        raw=raw,
    )


def _logs(value: Any, *, need_start: bool) -> dict[bytes, Log]:
    found = {}
    for entry in map(mapping, sequence(value)):
        key = mapping(entry.get("publicKey"))
        log_id = octets(mapping(entry.get("logId")).get("keyId"), "logId")
        period = _period(key.get("validFor"))
        if not log_id or (need_start and period.start is None):
            raise unsupported("a log of the trusted root has no id or no start of validity")
        host = urlsplit(str(entry.get("baseUrl") or "")).hostname or ""
        found[log_id] = Log(log_id, host, load_der(octets(key.get("rawBytes"), "key")), period)
    return found


def _authority(value: Any) -> Authority:
    entry = mapping(value)
    chain = sequence(mapping(entry.get("certChain")).get("certificates"))
    certificates = tuple(_certificate(mapping(c).get("rawBytes")) for c in chain)
    if not certificates:
        raise unsupported("an authority of the trusted root has no certificates")
    return Authority(str(entry.get("uri") or ""), certificates, _period(entry.get("validFor")))


def _certificate(value: Any) -> x509.Certificate:
    return load_certificate(octets(value, "certificate"))


def load_certificate(raw: bytes) -> x509.Certificate:
    """A certificate from its DER form.

    Raises:
        RejectedError: it is none, or its key is of an unknown kind.
    """
    found = read_certificate(raw)
    key_of(found)
    return found


def read_certificate(raw: bytes) -> x509.Certificate:
    """A certificate from its DER form, whatever its key is.

    Raises:
        RejectedError: it is none.
    """
    try:
        key = _check_form(raw)
        found = x509.load_der_x509_certificate(raw)
        _check_parts(found, key)
    except (
        ValueError,
        TypeError,  # a name that is no text
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise unsupported(f"the certificate cannot be read: {error}") from None
    return found


def key_of(certificate: x509.Certificate) -> PublicKey:
    """The key of a certificate.

    Raises:
        RejectedError: it is of an unknown kind.
    """
    try:
        return wrap(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise unsupported(f"the certificate's key cannot be read: {error}") from None


def _check_form(raw: bytes) -> str:
    """What Go demands and `cryptography` does not; the kind of the key, as hexadecimal text.

    Raises:
        ValueError: Go refuses the certificate.
    """
    signed, outer, _ = parse(raw).parts
    serial, inner, _, _, _, key, *_ = [part for part in signed.parts if part.tag != _VERSION]
    kind, bits = key.parts
    if inner.whole != outer.whole:
        raise ValueError("it names two algorithms for its signature")
    if serial.content[:1] >= _NEGATIVE:
        raise ValueError("its serial number is negative")
    algorithm = first(kind.content)[0].content.hex()
    if algorithm == _ECDSA and bits.content[1:2] != _UNCOMPRESSED:
        raise ValueError("its key is a point that is not written in full")
    return algorithm


def _check_parts(certificate: x509.Certificate, key: str) -> None:
    """Go reads every part at once, `cryptography` only those that are asked for.

    Raises:
        ValueError: Go refuses the certificate.
    """
    for part in ("issuer", "subject", "extensions", "signature_hash_algorithm"):
        getattr(certificate, part)
    if key in _KNOWN_KEYS:
        certificate.public_key()


_VERSION = 0xA0
_NEGATIVE = b"\x80"
_ECDSA, _UNCOMPRESSED = "2a8648ce3d0201", b"\x04"
_KNOWN_KEYS = (_ECDSA, "2a864886f70d010101", "2b6570")
"""ECDSA, RSA, Ed25519: keys of other kinds are not read at all (crypto/x509 parser.go)."""


def _period(value: Any) -> Period:
    fields = mapping(value)
    given = (fields.get(name) for name in ("start", "end"))
    return Period(*(None if value in (None, "") else read_time(value) for value in given))


def read_time(value: Any) -> datetime:
    """A time with its zone (RFC 3339).

    Raises:
        RejectedError: it is none.
    """
    try:
        found = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise unsupported(f"{value!r} is no time") from None
    if found.tzinfo is None:
        raise unsupported(f"{value!r} is no time with a zone")
    return found
