# SPDX-License-Identifier: Apache-2.0
"""Which damaged certificates are read as Go's crypto/x509 reads them?

Every answer was asked of Go 1.26 (`x509.ParseCertificate`).
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kguard.layers.images.verification.lenient import as_read, read_leniently
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import load_certificate, read_certificate
from support.generators.signed.cases import pki

EXTENSIONS = b"\xa3\x42\x30\x40"
POINT = b"\x03\x42\x00\x04"
CONSTRAINTS = b"\x04\x05\x30\x03\x01\x01\xff"


@pytest.fixture(scope="module")
def authority():
    """The certificate of an authority, as bytes."""
    return pki("acme").ca.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def leaf():
    """The certificate of a signer, as bytes."""
    return pki("acme").leaf("signer").certificate.public_bytes(Encoding.DER)


def changed(raw, before, after):
    assert raw.count(before) == 1
    return raw.replace(before, after)


def test_what_is_sound_stays_as_it_is(authority):
    assert as_read(authority) == authority


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EXTENSIONS, b"\xa3\x42\x30\x00"),
        (CONSTRAINTS, b"\x04\x05\x30\x00\x01\x01\xff"),
        (CONSTRAINTS, b"\x04\x05\x30\x03\x01\x01\x00"),
        (b"\x04\x16\x04\x14", b"\x04\x16\x04\x10"),
    ],
    ids=["extensions", "constraints", "default", "key id"],
)
def test_what_go_skips_is_no_fault_of_a_chain(authority, before, after):
    damaged = changed(authority, before, after)
    with pytest.raises(RejectedError):
        read_certificate(damaged)
    assert read_leniently(damaged).subject == read_certificate(authority).subject


def test_what_go_does_not_read_is_no_fault_of_a_chain(leaf):
    stamps = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02\x04"
    at = leaf.index(stamps) + len(stamps) + 6
    damaged = leaf[:at] + bytes([leaf[at] ^ 0xFF]) + leaf[at + 1 :]
    with pytest.raises(RejectedError):
        read_certificate(damaged)
    assert read_leniently(damaged).subject == read_certificate(leaf).subject


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EXTENSIONS, b"\xa3\x42\x31\x40"),
        (CONSTRAINTS, b"\x05\x05\x30\x03\x01\x01\xff"),
        (CONSTRAINTS, b"\x04\x05\x31\x03\x01\x01\xff"),
        (POINT, b"\x03\x42\x01\x04"),
    ],
    ids=["a set", "no value", "no sequence", "bits left over"],
)
def test_what_go_cannot_read_is_refused(authority, before, after):
    with pytest.raises(RejectedError):
        read_leniently(changed(authority, before, after))


@pytest.mark.parametrize("size", [0, 1, 40, 200])
def test_what_is_cut_off_is_refused(authority, size):
    with pytest.raises(RejectedError):
        read_leniently(authority[:size])


def test_a_point_in_the_hybrid_form_is_refused_as_by_go(leaf):
    """OpenSSL takes it."""
    odd = leaf[leaf.index(POINT) + 67] & 1
    with pytest.raises(RejectedError, match="not written in full"):
        load_certificate(changed(leaf, POINT, b"\x03\x42\x00" + bytes([6 + odd])))


def test_a_negative_serial_number_is_refused_as_by_go(leaf):
    serial = read_certificate(leaf).serial_number
    raw = serial.to_bytes((serial.bit_length() + 8) // 8, "big")
    with pytest.raises(RejectedError, match="negative"):
        load_certificate(changed(leaf, raw, b"\x80" + raw[1:]))


def test_a_name_that_is_no_text_is_refused(authority):
    name = b"\x0c\x0bfulcio acme"
    damaged = authority.replace(name, b"\x03\x0b\x00ulcio acme")
    assert damaged != authority
    with pytest.raises(RejectedError, match="BitString"):
        load_certificate(damaged)
