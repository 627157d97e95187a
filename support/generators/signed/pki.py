# SPDX-License-Identifier: Apache-2.0
"""Who vouches for the generated signatures?

Authority: sigstore/fulcio docs/certificate-specification.md and docs/oid-info.md (leaf), RFC 6962
section 3.2 (SCT), sigstore/rekor pkg/util (checkpoint, signed entry timestamp),
sigstore/rekor-tiles pkg/note (key hints of Rekor v2) and sigstore/protobuf-specs
protos/sigstore_trustroot.proto.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.generators.signed.der import octets as der_octets
from support.generators.signed.der import tagged, timestamp_response

SIGNED_AT = datetime(2026, 10, 1, 12, 0, 5, tzinfo=UTC)
LEAF_START, LEAF_END = SIGNED_AT - timedelta(seconds=5), SIGNED_AT + timedelta(minutes=10)
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2046, 1, 1, tzinfo=UTC)
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
REPOSITORY = "acme/shop"

_FULCIO = "1.3.6.1.4.1.57264.1."
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def text(raw: bytes) -> str:
    """Base64."""
    return base64.b64encode(raw).decode()


def canonical(value: Any) -> bytes:
    """RFC 8785, for objects of texts and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Key:
    """An ECDSA key on P-256, derived from a name."""

    def __init__(self, name: str) -> None:
        secret = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") % (_ORDER - 1) + 1
        self.private = ec.derive_private_key(secret, ec.SECP256R1())
        self.public = self.private.public_key()

    def sign(self, content: bytes) -> bytes:
        """The signature of RFC 6979."""
        return self.private.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    @cached_property
    def spki(self) -> bytes:
        """The DER form of the public key."""
        return self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @cached_property
    def pem(self) -> bytes:
        """The public key as PEM."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def log_id(self) -> bytes:
        """The id of a log with this key."""
        return hashlib.sha256(self.spki).digest()


@dataclass(frozen=True)
class Leaf:
    """A signer: a certificate with its key."""

    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Wish:
    """What is special about a leaf; nothing by default."""

    subject: str = SUBJECT
    issuer: str = ISSUER
    sct: str = "good"
    """`good`, `none`, `foreign` (of another log) or `broken`."""
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    start: datetime = LEAF_START
    end: datetime = LEAF_END


class Pki:
    """One certificate authority, transparency logs of three kinds and a timestamp authority."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ca_key, self.ct_key = Key(f"{name} ca"), Key(f"{name} ct")
        self.log_key, self.tsa_key = Key(f"{name} rekor"), Key(f"{name} tsa")
        seed = hashlib.sha256(f"{name} rekor2".encode()).digest()
        self.log2_key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.log_host, self.log2_host = f"rekor.{name}.test", f"log2026-1.{name}.test"
        self.ca = self._authority("fulcio", self.ca_key)
        self.tsa_root_key = Key(f"{name} tsa root")
        self.tsa_root = self._authority("tsa-root", self.tsa_root_key)
        self.tsa = self._tsa()

    def _authority(self, role: str, key: Key) -> x509.Certificate:
        name = _name(f"{role} {self.name}")
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public)
        usage = _usage(sign=False)
        builder = _builder(name, name, key, START, END, f"{self.name} {role}")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(identifier, critical=False)
        return _signed(builder, key)

    def _tsa(self) -> x509.Certificate:
        name = _name(f"tsa {self.name}")
        builder = _builder(self.tsa_root.subject, name, self.tsa_key, START, END, f"{self.name} t")
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_usage(sign=True), critical=True)
        builder = builder.add_extension(usage, critical=True)
        return _signed(_identified(builder, self.tsa_key, self.tsa_root_key), self.tsa_root_key)

    @property
    def log2_raw(self) -> bytes:
        """The public key of the Rekor v2 log."""
        return self.log2_key.public_key().public_bytes_raw()

    @property
    def log2_id(self) -> bytes:
        """The id of the Rekor v2 log."""
        return hashlib.sha256(self.log2_host.encode() + b"\n\x01" + self.log2_raw).digest()

    def leaf(self, name: str, wish: Wish | None = None) -> Leaf:
        """A certificate for a signer, with the proof that it was logged."""
        wish = wish or Wish()
        key = Key(f"{self.name} leaf {name}")
        builder = self._leaf_builder(name, key, wish)
        plain = _signed(builder, self.ca_key)
        if wish.sct == "none":
            return Leaf(key, plain)
        extension = x509.UnrecognizedExtension(_SCT_LIST, self._sct_list(plain, wish))
        return Leaf(key, _signed(builder.add_extension(extension, critical=False), self.ca_key))

    def _leaf_builder(self, name: str, key: Key, wish: Wish) -> x509.CertificateBuilder:
        nobody = x509.Name([])
        seed = f"{self.name} leaf {name}"
        builder = _builder(self.ca.subject, nobody, key, wish.start, wish.end, seed)
        builder = builder.add_extension(_usage(sign=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([wish.usage]), critical=False)
        builder = _identified(builder, key, self.ca_key)
        san: x509.GeneralName = x509.UniformResourceIdentifier(wish.subject)
        if "://" not in wish.subject:
            san = x509.RFC822Name(wish.subject)
        builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=True)
        issuer = wish.issuer.encode()
        for number, value in (("1", issuer), ("5", REPOSITORY.encode()), ("8", tagged(12, issuer))):
            found = x509.UnrecognizedExtension(x509.ObjectIdentifier(_FULCIO + number), value)
            builder = builder.add_extension(found, critical=False)
        return builder

    def _sct_list(self, certificate: x509.Certificate, wish: Wish) -> bytes:
        log = Key("nobody's ct") if wish.sct == "foreign" else self.ct_key
        body = certificate.tbs_certificate_bytes
        stamp = struct.pack(">Q", round(wish.start.timestamp() * 1000))
        signed = b"\0\0" + stamp + b"\0\1" + hashlib.sha256(self.ca_key.spki).digest()
        signed += len(body).to_bytes(3, "big") + body + b"\0\0"
        if wish.sct == "broken":
            signed += b"x"
        signature = log.sign(signed)
        sct = b"\0" + log.log_id + stamp + b"\0\0\4\3" + struct.pack(">H", len(signature))
        sct += signature
        listed = struct.pack(">H", len(sct)) + sct
        return der_octets(struct.pack(">H", len(listed)) + listed)

    def stamp(self, signed: bytes, time: datetime = SIGNED_AT) -> bytes:
        """A timestamp over some bytes."""
        return timestamp_response(signed, time, self.tsa, self.tsa_key.sign)

    def promise(self, body: bytes, index: int, time: int, version: bytes | None = None) -> bytes:
        """The signed entry timestamp of the Rekor v1 log."""
        entry = {
            "body": text(body),
            "integratedTime": time,
            "logID": (version or self.log_key.log_id).hex(),
            "logIndex": index,
        }
        return self.log_key.sign(canonical(entry))

    def checkpoint(self, size: int, root: bytes, *, v2: bool = False) -> str:
        """A signed note about a tree."""
        origin = self.log2_host if v2 else f"{self.log_host} - 4711"
        note = f"{origin}\n{size}\n{text(root)}\n"
        host = self.log2_host if v2 else self.log_host
        hint = (self.log2_id if v2 else self.log_key.log_id)[:4]
        sign: Callable[[bytes], bytes] = self.log2_key.sign if v2 else self.log_key.sign
        return f"{note}\n\u2014 {host} {text(hint + sign(note.encode()))}\n"


@dataclass(frozen=True)
class Root:
    """Which parts of which infrastructures a trusted root names."""

    ca: Sequence[Pki]
    ct: Sequence[Pki]
    log: Sequence[Pki]
    tsa: Sequence[Pki]
    ca_end: datetime | None = None
    tsa_end: datetime | None = None
    log_start: datetime = START
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The trusted_root.json."""
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [entry for pki in self.log for entry in self._logs(pki)],
            "ctlogs": [_log(f"ct.{p.name}.test", p.ct_key.spki, p.ct_key.log_id) for p in self.ct],
            "certificateAuthorities": [_chain("fulcio", p, [p.ca], self.ca_end) for p in self.ca],
            "timestampAuthorities": [
                _chain("tsa", p, [p.tsa, p.tsa_root], self.tsa_end) for p in self.tsa
            ],
            **self.extra,
        }

    def _logs(self, pki: Pki) -> list[dict[str, Any]]:
        raw = pki.log2_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return [
            _log(pki.log_host, pki.log_key.spki, pki.log_key.log_id, self.log_start),
            _log(pki.log2_host, raw, pki.log2_id, self.log_start, "PKIX_ED25519"),
        ]

    @property
    def raw(self) -> bytes:
        """The trusted_root.json, as bytes."""
        return json.dumps(self.document, indent=1).encode()


def _log(
    host: str,
    key: bytes,
    log_id: bytes,
    start: datetime = START,
    details: str = "PKIX_ECDSA_P256_SHA_256",
) -> dict[str, Any]:
    return {
        "baseUrl": f"https://{host}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": text(key),
            "keyDetails": details,
            "validFor": {"start": start.isoformat().replace("+00:00", "Z")},
        },
        "logId": {"keyId": text(log_id)},
    }


def _chain(
    role: str, pki: Pki, certificates: list[x509.Certificate], end: datetime | None
) -> dict[str, Any]:
    period = {"start": START.isoformat().replace("+00:00", "Z")}
    if end is not None:
        period["end"] = end.isoformat().replace("+00:00", "Z")
    chain = [{"rawBytes": text(c.public_bytes(Encoding.DER))} for c in certificates]
    return {
        "subject": {"organization": "test", "commonName": role},
        "uri": f"https://{role}.{pki.name}.test",
        "certChain": {"certificates": chain},
        "validFor": period,
    }


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    issuer: x509.Name, subject: x509.Name, key: Key, start: datetime, end: datetime, seed: str
) -> x509.CertificateBuilder:
    serial = int.from_bytes(hashlib.sha256(f"serial {seed}".encode()).digest()[:16], "big") >> 1
    builder = x509.CertificateBuilder(issuer, subject, key.public, serial)
    return builder.not_valid_before(start).not_valid_after(end)


def _identified(builder: x509.CertificateBuilder, key: Key, issuer: Key) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public)
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public)
    return builder.add_extension(own, critical=False).add_extension(other, critical=False)


def _signed(builder: x509.CertificateBuilder, key: Key) -> x509.Certificate:
    return builder.sign(key.private, hashes.SHA256(), ecdsa_deterministic=True)
