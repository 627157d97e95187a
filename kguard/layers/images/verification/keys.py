# SPDX-License-Identifier: Apache-2.0
"""Does a public key verify these bytes?

Authority: sigstore/sigstore pkg/signature (`LoadDefaultVerifier`): ECDSA hashes with the digest
of its curve's size, old clients used SHA-256 with every curve; RSA is PKCS #1 v1.5 with SHA-256;
Ed25519 signs the bytes themselves.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from kguard.layers.images.verification.rejected import unsupported

_BY_CURVE: dict[str, tuple[hashes.HashAlgorithm, ...]] = {
    "secp256r1": (hashes.SHA256(),),
    "secp384r1": (hashes.SHA384(), hashes.SHA256()),
    "secp521r1": (hashes.SHA512(), hashes.SHA256()),
}


class PublicKey(msgspec.Struct, frozen=True):
    """A public key with its DER form (SubjectPublicKeyInfo)."""

    key: Any
    spki: bytes

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hexadecimal digest of the DER form."""
        return f"sha256:{hashlib.sha256(self.spki).hexdigest()}"

    @property
    def label(self) -> str:
        """The beginning of the fingerprint, for people."""
        return self.fingerprint[: len("sha256:") + 12]

    @property
    def pem(self) -> str:
        """The key as PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        raw: bytes = self.key.public_bytes(serialization.Encoding.PEM, form)
        return raw.decode()

    @property
    def hint(self) -> str:
        """What cosign writes into a bundle to say which key signed it."""
        return base64.b64encode(hashlib.sha256(self.spki).digest()).decode()

    def verify(self, signature: bytes, content: bytes) -> bool:
        """Whether the signature over the bytes is this key's."""
        try:
            return self._verify(signature, content)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return False

    def _verify(self, signature: bytes, content: bytes) -> bool:
        key = self.key
        if isinstance(key, ec.EllipticCurvePublicKey):
            algorithms = _BY_CURVE.get(key.curve.name, ())
            return any(_ecdsa(key, signature, content, algorithm) for algorithm in algorithms)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, content)
            else:
                return False
        except InvalidSignature:
            return False
        return True


def _ecdsa(
    key: ec.EllipticCurvePublicKey,
    signature: bytes,
    content: bytes,
    algorithm: hashes.HashAlgorithm,
) -> bool:
    try:
        key.verify(signature, content, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def wrap(key: Any) -> PublicKey:
    """A key of `cryptography` with its DER form."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PublicKey(key, key.public_bytes(serialization.Encoding.DER, form))


def load_pem(raw: bytes) -> PublicKey:
    """A public key from PEM (or from a certificate's PEM).

    Raises:
        RejectedError: it is no public key of a known kind.
    """
    from cryptography import x509

    try:
        if b"BEGIN CERTIFICATE" in raw:
            return wrap(x509.load_pem_x509_certificate(raw).public_key())
        return wrap(serialization.load_pem_public_key(raw))
    except (ValueError, UnsupportedAlgorithm):
        raise unsupported("no public key (PEM) of a kind that is known") from None


def load_der(raw: bytes) -> PublicKey:
    """A public key from its DER form.

    Raises:
        RejectedError: it is no public key of a known kind.
    """
    try:
        return wrap(serialization.load_der_public_key(raw))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise unsupported(f"no public key: {error}") from None
