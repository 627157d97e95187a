# SPDX-License-Identifier: Apache-2.0
"""Does every format with every fault get its own class?"""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from support.generators.signed.cases import named_cases, pki
from support.generators.signed.images import Repository, sign
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
