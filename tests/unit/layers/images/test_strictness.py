# SPDX-License-Identifier: Apache-2.0
"""Is refused what Go's decoders refuse, and read what they read?"""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kguard.layers.images.evidence.store import read_manifest
from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.messages import octets, standard_base64
from kguard.layers.images.verification.pem import certificates
from kguard.layers.images.verification.rejected import RejectedError
from support.generators.signed.cases import named_cases, pki
from support.generators.signed.images import PROVENANCE, sign
from tests.conformance.cosign_own.oracle import ours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QUJD", b"ABC"),
        ("QU\nJD\r\n", b"ABC"),
        ("QUI=", b"AB"),
        ("QUI", None),
        ("QU JD", None),
        ("QUI=QUI=", None),
        ("QUI==", None),
        ("QUJD=", None),
        ("-_-_", None),
        (7, None),
    ],
)
def test_standard_base64(text, expected):
    assert standard_base64(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("QUI", b"AB"), ("QUI=", b"AB"), ("-_-_", b"\xfb\xff\xbf"), ("QUJD\n", b"ABC")],
)
def test_bytes_of_protocol_buffers(text, expected):
    assert octets(text, "x") == expected


@pytest.mark.parametrize("text", ["QUI==", "+_AA", "QUJDQ", 7, "QUI=\n", "QUI==\n\n\n"])
def test_no_bytes_of_protocol_buffers(text):
    with pytest.raises(RejectedError):
        octets(text, "x")


def test_a_pem_block_with_too_much_padding():
    acme = pki("acme")
    found = [c.public_bytes(Encoding.PEM).decode() for c in (acme.ca, acme.tsa, acme.tsa_root)]
    block = next(text for text in found if "=\n" not in text)
    assert certificates(block)
    with pytest.raises(RejectedError):
        certificates(block.replace("\n-----END", "=\n-----END"))


LAYER = {"mediaType": "x", "digest": "sha256:00", "size": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"layers": [{**LAYER, "annotations": {"a": 1}}]},
        {"layers": [{**LAYER, "annotations": []}]},
        {"layers": [{**LAYER, "size": "1"}]},
        {"layers": {}},
        {"config": "x"},
        {"subject": 7},
        {"schemaVersion": "2"},
        {"annotations": {"a": None, "b": 2}},
        {"artifactType": []},
    ],
)
def test_wrong_types_in_manifests(fields):
    whole = {"schemaVersion": 2, "config": LAYER, "layers": [LAYER]}
    assert read_manifest(json.dumps(whole).encode()) is not None
    assert read_manifest(json.dumps({**whole, **fields}).encode()) is None


def test_null_is_nothing_in_manifests():
    raw = json.dumps({"layers": [{**LAYER, "annotations": None}], "subject": None}).encode()
    found = read_manifest(raw)
    assert found is not None
    assert found.layers[0][1] == {}


@pytest.mark.parametrize(
    ("place", "value", "known"),
    [
        (("data", "algorithm"), "SHA2_256", True),
        (("data", "algorithm"), 1, True),
        (("data", "algorithm"), "SHA2_c56", False),
        (("signature", "verifier", "keyDetails"), "PKIX_NOTHING", False),
        (("signature", "verifier", "keyDetails"), 1 << 40, False),
    ],
)
def test_enumerations_of_a_rekor_2_entry(place, value, known):
    document = sign("bundle-v2", pki("acme"), "sha256:" + "ab" * 32, "release").document
    entry = document["verificationMaterial"]["tlogEntries"][0]
    body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    target = body["spec"]["hashedRekordV002"]
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value
    entry["canonicalizedBody"] = base64.b64encode(json.dumps(body).encode()).decode()
    raw = json.dumps(document).encode()
    if known:
        assert parse(raw).entries[0].is_v2
        return
    with pytest.raises(RejectedError):
        parse(raw)


@pytest.mark.parametrize("form", ["bundle-attestation", "legacy-attestation"])
def test_another_type_of_statement_is_not_the_one_asked_for(form):
    (case,) = [case for case in named_cases() if case.id == f"{form}-good"]
    assert ours(case)[1] is True
    other = replace(case, policy={"attestation_type": PROVENANCE.replace("v1", "v9")})
    assert ours(other) == ("verified_attestation_only", False)
