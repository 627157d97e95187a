# SPDX-License-Identifier: Apache-2.0
"""Do signatures of the Notary Project hold with a trust store, and fail each for its own reason?"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kguard.layers.images.verification.notation import (
    MEDIA_TYPE,
    TrustStore,
    read_store,
    verify_notation,
)
from kguard.layers.images.verification.rejected import RejectedError
from tests.conformance.cosign import vectors

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
SCHEME = "io.cncf.notary.signingScheme"


def named(common):
    parts = [(NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, "acme")]
    return x509.Name([x509.NameAttribute(*p) for p in (*parts, (NameOID.COMMON_NAME, common))])


def certificate(key, subject, issuer=None, issuer_key=None, *, ca=False, days=30, usage=None):
    issued = x509.CertificateBuilder(
        named(issuer or subject), named(subject), key.public_key(), x509.random_serial_number()
    )
    issued = issued.not_valid_before(NOW - timedelta(days=10))
    issued = issued.not_valid_after(NOW + timedelta(days=days))
    issued = issued.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    bits = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    allowed = x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **bits)
    issued = issued.add_extension(allowed, critical=True)
    if usage:
        issued = issued.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return issued.sign(issuer_key or key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority():
    key = ec.generate_private_key(ec.SECP256R1())
    return key, certificate(key, "root", ca=True)


@pytest.fixture(scope="module")
def keys():
    return {
        "PS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
    }


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signature(key, algorithm, signed):
    if algorithm == "PS256":
        salt = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return key.sign(signed, salt, hashes.SHA256())
    kind = hashes.SHA256() if algorithm == "ES256" else hashes.SHA384()
    length = (key.curve.key_size + 7) // 8
    first, second = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(kind)))
    return first.to_bytes(length, "big") + second.to_bytes(length, "big")


def envelope(keys, authority, algorithm="ES256", *, header=None, digest=DIGEST, **leaf):
    key = keys[algorithm]
    leaf.setdefault("usage", ExtendedKeyUsageOID.CODE_SIGNING)
    own = certificate(key, "release", "root", authority[0], **leaf)
    protected = {
        "alg": algorithm,
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "crit": [SCHEME],
        SCHEME: "notary.x509",
        **(header or {}),
    }
    payload = {"targetArtifact": {"digest": digest, "size": 1, "mediaType": "x"}}
    parts = {"protected": encoded(protected), "payload": encoded(payload)}
    signed = f"{parts['protected']}.{parts['payload']}".encode()
    chain = [own, authority[1]]
    x5c = [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in chain]
    parts["signature"] = encoded(signature(key, algorithm, signed))
    return {**parts, "header": {"x5c": x5c}}


def verified(document, authority, *subjects, media_type=MEDIA_TYPE, store=None):
    store = store or TrustStore((authority[1],), subjects)
    return verify_notation(json.dumps(document).encode(), media_type, store, DIGEST, NOW)


def refused(document, authority, **fields):
    with pytest.raises(RejectedError) as caught:
        verified(document, authority, **fields)
    return caught.value.verdict


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "ES384"])
def test_a_sound_signature(keys, authority, algorithm):
    found = verified(envelope(keys, authority, algorithm), authority)
    assert found.subject == "CN=release,O=acme,C=XX"
    assert found.trusted


@pytest.mark.parametrize(
    ("subjects", "trusted"),
    [
        (("O=acme, C=XX",), True),
        (("CN=release",), True),
        (("O=other", "CN=release"), True),
        (("O=acme, CN=root",), False),
    ],
)
def test_subjects(keys, authority, subjects, trusted):
    assert verified(envelope(keys, authority), authority, *subjects).trusted is trusted


def test_another_image(keys, authority):
    document = envelope(keys, authority, digest="sha256:" + "cd" * 32)
    assert refused(document, authority) == "tampered"


@pytest.mark.parametrize("part", ["payload", "signature", "protected"])
def test_a_part_of_another_signature(keys, authority, part):
    document = envelope(keys, authority)
    other = envelope(keys, authority, digest="sha256:" + "cd" * 32, header={"x": 1})
    assert refused({**document, part: other[part]}, authority) == "tampered"


def test_a_foreign_trust_store(keys, authority):
    key = ec.generate_private_key(ec.SECP256R1())
    store = TrustStore((certificate(key, "root", ca=True),))
    assert refused(envelope(keys, authority), authority, store=store) == "untrusted_root"


def test_a_leaf_that_is_trusted_itself(keys, authority):
    document = envelope(keys, authority)
    own = x509.load_der_x509_certificate(base64.b64decode(document["header"]["x5c"][0]))
    document["header"]["x5c"] = document["header"]["x5c"][:1]
    store = read_store(own.public_bytes(Encoding.PEM), ())
    assert verified(document, authority, store=store).trusted


def test_an_issuer_that_may_not_issue(keys, authority):
    leaf = certificate(keys["ES256"], "between", "root", authority[0])
    document = envelope(keys, authority)
    fake = certificate(keys["ES384"], "release", "between", keys["ES256"])
    chain = [fake, leaf, authority[1]]
    document = envelope({"ES384": keys["ES384"]}, authority, "ES384")
    document["header"]["x5c"] = [
        base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in chain
    ]
    assert refused(document, authority) == "untrusted_root"


def test_times(keys, authority):
    assert refused(envelope(keys, authority, days=-1), authority) == "expired_or_untimed"
    past = {"io.cncf.notary.expiry": "2026-11-22T00:00:00Z"}
    assert refused(envelope(keys, authority, header=past), authority) == "expired_or_untimed"
    said = {
        SCHEME: "notary.x509.signingAuthority",
        "io.cncf.notary.authenticSigningTime": "2026-11-20T00:00:00Z",
        "crit": [SCHEME, "io.cncf.notary.authenticSigningTime"],
    }
    assert verified(envelope(keys, authority, header=said, days=-1), authority).trusted
    unsaid = {SCHEME: "notary.x509.signingAuthority"}
    assert refused(envelope(keys, authority, header=unsaid), authority) == "expired_or_untimed"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": [SCHEME, "unheard.of"]},
        {"crit": []},
        {"cty": "text/plain"},
        {SCHEME: "other"},
        {"alg": "none"},
        {"alg": "HS256"},
    ],
)
def test_headers(keys, authority, header):
    assert refused(envelope(keys, authority, header=header), authority) in (
        "unsupported_format",
        "tampered",
    )


def test_code_signing(keys, authority):
    server = envelope(keys, authority, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert refused(server, authority) == "tampered"


def test_cose_is_not_read(keys, authority):
    found = refused(envelope(keys, authority), authority, media_type="application/cose")
    assert found == "unsupported_format"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"header":{"x5c":["AA=="]}}', b"\xff"])
def test_junk(authority, content):
    store = TrustStore((authority[1],))
    with pytest.raises(RejectedError):
        verify_notation(content, MEDIA_TYPE, store, DIGEST, NOW)


def test_a_recorded_signature(shared):

    folder = shared / "conformance" / vectors.FOLDER
    found = []
    for content in vectors.content(folder).values():
        if b'"x5c"' not in content:
            continue
        payload = json.loads(content)["payload"]
        raw = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        digest = raw["targetArtifact"]["digest"]
        for name in ("notation.pem", "notation2.pem"):
            store = read_store((folder / "keys" / name).read_bytes(), ())
            try:
                found.append(
                    verify_notation(content, MEDIA_TYPE, store, digest, vectors.NOW).subject
                )
            except RejectedError as error:
                found.append(error.verdict)
    assert sorted(found) == [
        "CN=notation.acme.test,O=Notary acme,C=XX",
        "CN=notation.acme.test,O=Notary acme,C=XX",
        "untrusted_root",
        "untrusted_root",
    ]
