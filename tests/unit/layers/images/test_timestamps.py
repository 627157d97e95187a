# SPDX-License-Identifier: Apache-2.0
"""Are timestamps read as Go reads them: what is redundant does not count, what is signed does?"""

from __future__ import annotations

import pytest

from kguard.layers.images.verification import der
from kguard.layers.images.verification.timestamps import as_stated, verified_times
from kguard.layers.images.verification.trusted_root import parse_root
from support.generators.signed.cases import files, pki
from support.generators.signed.pki import SIGNED_AT

SIGNED = b"a signature"
STAMP = pki("acme").stamp(SIGNED)
ROOT = parse_root(files()["good.json"])


def times(raw):
    return verified_times((raw,), SIGNED, ROOT)[0]


def replaced(old, new):
    assert STAMP.count(old) >= 1
    return STAMP.replace(old, new, 1)


SHA256 = bytes.fromhex("608648016503040201")
ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")


def test_a_sound_timestamp_is_as_stated():
    assert as_stated(STAMP) == STAMP
    assert times(STAMP) == [SIGNED_AT]


def test_the_list_of_digests_does_not_count():
    assert times(replaced(SHA256, bytes.fromhex("608648016503040202"))) == [SIGNED_AT]


def test_the_type_of_the_content_does_not_count():
    kind = bytes.fromhex("2a864886f70d0109100104")
    assert times(replaced(kind, kind[:-1] + b"\5")) == [SIGNED_AT]


@pytest.mark.parametrize("algorithm", ["2a8648ce3d040303", "2a8648ce3d040305", "2a864886f70d0105"])
def test_the_algorithm_of_the_signature_must_fit(algorithm):
    assert times(replaced(ECDSA_SHA256, bytes.fromhex(algorithm))) == []


@pytest.mark.parametrize("place", [0, 4, 9, 24, 35, 37, 39, 40, 50, 161])
def test_the_structure_must_be_right(place):
    raw = bytearray(STAMP)
    raw[place] ^= 1
    assert times(bytes(raw)) == []


@pytest.mark.parametrize("name", ["", "2a80", "2a8001", "2a8880808000", "2aff"])
def test_a_list_of_digests_that_go_cannot_read(name):
    """Asked of Go 1.26 (`asn1.Unmarshal`); the last is cut off, the one before too large."""
    listed = der.build(der.SET, [der.build(der.SEQUENCE, [der.build(der.NAME, [SHA256])])])
    raw = bytes.fromhex(name)
    other = der.build(der.SET, [der.build(der.SEQUENCE, [der.build(der.NAME, [raw])])])
    assert times(_with_digests(listed)) == [SIGNED_AT]
    assert times(_with_digests(other)) == []


def _with_digests(listed):
    status, token = der.parse(STAMP).parts
    kind, wrapped = token.parts
    (data,) = wrapped.parts
    version, _, *others = data.parts
    again = der.build(data.tag, [version.whole, listed, *(other.whole for other in others)])
    token = der.build(token.tag, [kind.whole, der.build(wrapped.tag, [again])])
    return der.build(der.SEQUENCE, [status.whole, token])


def test_another_signature():
    found, problem = verified_times((STAMP,), b"another", ROOT)
    assert found == []
    assert problem is not None
    assert problem.verdict == "tampered"


@pytest.mark.parametrize("raw", [b"", b"\x30", b"\x30\x00", b"\x30\x80", b"\x30\x85" + b"\1" * 5])
def test_junk(raw):
    assert times(raw) == []


@pytest.mark.parametrize("parts", range(6))
def test_a_signer_that_is_not_complete(parts):
    status, token = der.parse(STAMP).parts
    kind, wrapped = token.parts
    (data,) = wrapped.parts
    version, digests, content, signers = data.parts
    (signer,) = signers.parts
    short = der.build(der.SEQUENCE, [part.whole for part in signer.parts[:parts]])
    whole = [version.whole, digests.whole, content.whole, der.build(der.SET, [short])]
    again = der.build(wrapped.tag, [der.build(data.tag, whole)])
    token = der.build(der.SEQUENCE, [kind.whole, again])
    assert times(der.build(der.SEQUENCE, [status.whole, token])) == []


def test_long_values_are_written_as_they_are_read():
    whole = der.build(der.SEQUENCE, [b"\x04\x81\x80" + b"x" * 128, b"\x02\x01\x05"])
    value = der.parse(whole)
    assert [part.content for part in value.parts] == [b"x" * 128, b"\5"]
    assert der.build(value.tag, [part.whole for part in value.parts]) == whole
    with pytest.raises(ValueError, match="follows"):
        der.parse(whole + b"\0")
