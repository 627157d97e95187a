# SPDX-License-Identifier: Apache-2.0
"""Is a certificate of a trusted authority, was it logged, and whose is it?

Authority: sigstore/sigstore-go pkg/root/certificate_authority.go (chain at the time of signing,
within the authority's own period, for code signing), pkg/verify/sct.go (RFC 6962 section 3.2),
pkg/fulcio/certificate (identity: first URI, else first e-mail, else OtherName; issuer: the newer
extension, else the older) and sigstore/fulcio docs/oid-info.md.
"""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from kguard.layers.images.verification.keys import wrap
from kguard.layers.images.verification.log import valid_at
from kguard.layers.images.verification.rejected import RejectedError, tampered, untimed, untrusted
from kguard.layers.images.verification.trusted_root import Authority, TrustedRoot

_FULCIO = "1.3.6.1.4.1.57264.1."
_OTHER_NAME = x509.ObjectIdentifier(_FULCIO + "7")
_ISSUER_OLD, _ISSUER_NEW = _FULCIO + "1", _FULCIO + "8"
_GITHUB = {"2": "trigger", "3": "sha", "4": "name", "5": "repository", "6": "ref"}
_PRECERTIFICATE = 1


class CertificateIdentity(msgspec.Struct, frozen=True):
    """Who a certificate says signed."""

    subject: str
    issuer: str
    workflow: dict[str, str]
    """GitHub's workflow: `trigger`, `sha`, `name`, `repository`, `ref`, where given."""


def identity_of(certificate: x509.Certificate) -> CertificateIdentity:
    """The signer that a certificate names.

    Raises:
        RejectedError: it names none.
    """
    values = _extensions(certificate)
    issuer = _der_text(values[_ISSUER_NEW]) if _ISSUER_NEW in values else ""
    issuer = issuer or values.get(_ISSUER_OLD, b"").decode("utf-8", "replace")
    workflow = {
        name: values[_FULCIO + number].decode("utf-8", "replace")
        for number, name in _GITHUB.items()
        if _FULCIO + number in values
    }
    return CertificateIdentity(_subject(certificate), issuer, workflow)


def _extensions(certificate: x509.Certificate) -> dict[str, bytes]:
    try:
        found = certificate.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise tampered(f"the certificate's extensions cannot be read: {error}") from None
    return {
        e.oid.dotted_string: e.value.value
        for e in found
        if isinstance(e.value, x509.UnrecognizedExtension)
    }


def _der_text(raw: bytes) -> str:
    """A short DER string: tag, one or two bytes of length, the text."""
    if len(raw) > 2 and raw[1] < 0x80:  # noqa: PLR2004 - the short form of a length
        return raw[2 : 2 + raw[1]].decode("utf-8", "replace")
    if len(raw) > 3 and raw[1] == 0x81:  # noqa: PLR2004 - one byte of length
        return raw[3 : 3 + raw[2]].decode("utf-8", "replace")
    return raw[4:].decode("utf-8", "replace") if raw[1:2] == b"\x82" else ""


def _subject(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        raise tampered("the certificate names no signer") from None
    for kind in (x509.UniformResourceIdentifier, x509.RFC822Name):
        if found := names.get_values_for_type(kind):
            return str(found[0])
    for other in names.get_values_for_type(x509.OtherName):
        if other.type_id == _OTHER_NAME:
            return _der_text(other.value)
    raise tampered("the certificate names no signer")


def chain_at(
    certificate: x509.Certificate, root: TrustedRoot, time: datetime
) -> list[x509.Certificate]:
    """The certificates from the leaf to a trusted root, all valid at a moment.

    Raises:
        RejectedError: `untrusted_root` where no authority issued it, `expired_or_untimed` where
            one did but not for this moment.
    """
    issued = False
    for authority in root.authorities:
        path = _path(certificate, authority)
        if path is None:
            continue
        issued = True
        if authority.period.holds(time) and all(valid_at(link, time) for link in path):
            _check_usage(path)
            return path
    if issued:
        raise untimed("the certificate was not valid when the signature was made")
    raise untrusted("its certificate is of an authority that is not trusted")


def _path(certificate: x509.Certificate, authority: Authority) -> list[x509.Certificate] | None:
    """The path from a leaf to the root of one authority."""
    path = [certificate]
    *intermediates, root = authority.certificates
    for _ in range(len(authority.certificates)):
        if _issued(path[-1], root):
            return [*path, root]
        issuer = next((c for c in intermediates if c not in path and _issued(path[-1], c)), None)
        if issuer is None:
            return None
        path.append(issuer)
    return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (
        ValueError,
        TypeError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
    ):
        return False
    return constraints.ca


def _check_usage(path: list[x509.Certificate]) -> None:
    leaf = path[0]
    if not _may_sign_code(leaf, absent=False):
        raise tampered("the certificate is not for code signing")
    if not all(_may_sign_code(link, absent=True) for link in path[1:]):
        raise untrusted("an authority of the chain is not for code signing")
    for length, link in enumerate(path[1:]):
        limit = link.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if limit is not None and limit < length:
            raise untrusted("the chain of certificates is longer than its authority allows")


def _may_sign_code(certificate: x509.Certificate, *, absent: bool) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return absent
    any_usage = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    return ExtendedKeyUsageOID.CODE_SIGNING in usages or any_usage in usages


def verify_sct(path: list[x509.Certificate], root: TrustedRoot) -> None:
    """Check that a trusted certificate transparency log vouched for the leaf.

    Raises:
        RejectedError: no timestamp of a trusted log holds.
    """
    leaf, issuer = path[0], path[1]
    try:
        kind = x509.PrecertificateSignedCertificateTimestamps
        stamps = list(leaf.extensions.get_extension_for_class(kind).value)
    except (ValueError, x509.ExtensionNotFound):
        raise untrusted("no certificate transparency log vouches for its certificate") from None
    known = [stamp for stamp in stamps if stamp.log_id in root.ct_logs]
    if not known:
        raise untrusted("the log that vouches for its certificate is not trusted")
    if not any(_sct_holds(leaf, issuer, stamp, root) for stamp in known):
        raise tampered("the certificate transparency log's signature does not hold")


def _sct_holds(
    leaf: x509.Certificate, issuer: x509.Certificate, stamp: Any, root: TrustedRoot
) -> bool:
    log = root.ct_logs[stamp.log_id]
    time = stamp.timestamp.replace(tzinfo=UTC)
    if not log.period.holds(time):
        raise RejectedError("untrusted_root", "its certificate was logged when nobody trusted it")
    milliseconds = round(time.timestamp() * 1000)
    body = leaf.tbs_precertificate_bytes
    extensions = stamp.extension_bytes
    signed = struct.pack(">BBQH", 0, 0, milliseconds, _PRECERTIFICATE)
    signed += hashlib.sha256(wrap(issuer.public_key()).spki).digest()
    signed += len(body).to_bytes(3, "big") + body
    signed += len(extensions).to_bytes(2, "big") + extensions
    return log.key.verify(stamp.signature, signed)


def der(certificate: x509.Certificate) -> bytes:
    """A certificate's bytes."""
    return certificate.public_bytes(Encoding.DER)
