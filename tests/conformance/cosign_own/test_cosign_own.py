# SPDX-License-Identifier: Apache-2.0
"""Does every format with every fault get its own class?"""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from support.generators.signed.cases import named_cases, pki
from support.generators.signed.images import Repository, sign
from support.generators.signed.pki import LEAF_END, LEAF_START
from tests.conformance.cosign_own.oracle import SUITES, ours

CASES = list(named_cases())


def test_every_format_has_its_cases():
    assert len(CASES) == len({case.id for case in CASES}) == 173


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_class(case):
    assert ours(case)[0] == case.expected


@pytest.mark.parametrize(
    ("name", "cases"), [("cosign own cases", 173), ("cosign own mutations", 320)]
)
def test_accepts_what_cosign_accepted(name, cases):
    found = list(SUITES[name](Path()))
    assert len(found) == cases
    assert [identity for identity, recorded, ours in found if recorded != ours] == []
    assert sum(recorded for _, recorded, _ in found) > cases / 6


@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.BrainpoolP256R1(), ec.SECP224R1()])
@pytest.mark.parametrize("form", ["bundle-v1", "legacy"])
def test_odd_curves_have_a_class_and_a_sentence(form, curve):
    repository = Repository("acme/curve")
    digest = repository.image("curve")
    signed = sign(form, pki("acme"), digest, "release")
    key = ec.generate_private_key(curve)
    made = x509.CertificateBuilder(pki("acme").ca.subject, x509.Name([]), key.public_key(), 7)
    made = made.not_valid_before(LEAF_START).not_valid_after(LEAF_END)
    odd = made.sign(pki("acme").ca_key.private, hashes.SHA256())
    if form == "legacy":
        pem = odd.public_bytes(Encoding.PEM).decode()
        signed.document["annotations"]["dev.sigstore.cosign/certificate"] = pem
    else:
        raw = base64.b64encode(odd.public_bytes(Encoding.DER)).decode()
        signed.document["verificationMaterial"]["certificate"]["rawBytes"] = raw
    signed.store(repository)
    found, accepted = ours(replace(CASES[0], repository=repository, digest=digest))
    assert found in ("tampered", "unsupported_format", "untrusted_root")
    assert accepted is False


@pytest.mark.parametrize("place", range(8, 24))
def test_a_certificate_with_an_odd_byte_is_no_crash(place):
    repository = Repository("acme/odd")
    digest = repository.image("odd")
    signed = sign("bundle-v1", pki("acme"), digest, "release")
    certificate = signed.document["verificationMaterial"]["certificate"]
    raw = bytearray(base64.b64decode(certificate["rawBytes"]))
    raw[place] ^= 0x40
    certificate["rawBytes"] = base64.b64encode(raw).decode()
    signed.store(repository)
    found, accepted = ours(replace(CASES[0], repository=repository, digest=digest))
    assert found in ("tampered", "unsupported_format", "untrusted_root")
    assert accepted is False
