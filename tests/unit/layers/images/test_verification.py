# SPDX-License-Identifier: Apache-2.0
"""Does every step of the verification matter, and does bad input end in a class?"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.images.evidence.discover import Candidate, Found
from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.judge import ORDER, Authorities, judge
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.log import root_of
from kguard.layers.images.verification.messages import octets
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "signatures"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RELEASE = Identity(
    issuer="https://token.actions.githubusercontent.com",
    subject="https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main",
)


def _image(name: str) -> str:
    lines = (DATA / "README.md").read_text().splitlines()
    (found,) = [line for line in lines if f"/acme/{name}@" in line]
    return "sha256:" + found.split("sha256:")[1][:64]


def _bundle(name: str) -> tuple[bytes, str]:
    folder, digest = Folder(DATA / "evidence"), _image(name)
    referrers = [d.digest for d in folder.referrers(digest)]
    manifest = next(folder.manifests[d] for d in referrers if folder.manifests[d].layers)
    return folder.blob(manifest.layers[0][0].digest), digest


AUTHORITIES = Authorities(
    roots=(parse_root((DATA / "trusted_root.json").read_bytes()),), identities=(RELEASE,)
)


def _verdict(raw: bytes, digest: str, authorities: Authorities = AUTHORITIES) -> str:
    found = Found([Candidate("bundle", "referrer", raw, {})], [], served=True)
    return judge(found, digest, authorities, NOW).signature


@pytest.mark.parametrize("name", ["bundle-v1", "bundle-v2"])
def test_good_bundles(name):
    assert _verdict(*_bundle(name)) == "verified"


def test_another_image_is_tampering():
    raw, _ = _bundle("bundle-v1")
    assert _verdict(raw, "sha256:" + "0" * 64) == "tampered"


def test_nobody_named_is_unjudged():
    authorities = Authorities(roots=AUTHORITIES.roots)
    assert _verdict(*_bundle("bundle-v1"), authorities) == "unjudged"


def test_another_signer_is_a_stranger():
    other = Identity(issuer=RELEASE.issuer, subject=RELEASE.subject + "x")
    authorities = Authorities(roots=AUTHORITIES.roots, identities=(other,))
    assert _verdict(*_bundle("bundle-v1"), authorities) == "wrong_identity"


def test_no_root_is_no_verdict():
    authorities = Authorities(identities=(RELEASE,))
    assert _verdict(*_bundle("bundle-v1"), authorities) == "unverifiable_offline"


@pytest.mark.parametrize("part", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_every_part_of_the_root_is_needed(part):
    value = json.loads((DATA / "trusted_root.json").read_text())
    value[part] = []
    authorities = Authorities(
        roots=(parse_root(json.dumps(value).encode()),), identities=(RELEASE,)
    )
    assert _verdict(*_bundle("bundle-v1"), authorities) == "untrusted_root"


def test_without_timestamp_authority_rekor_v2_has_no_time():
    value = json.loads((DATA / "trusted_root.json").read_text())
    value["timestampAuthorities"] = []
    authorities = Authorities(
        roots=(parse_root(json.dumps(value).encode()),), identities=(RELEASE,)
    )
    assert _verdict(*_bundle("bundle-v2"), authorities) == "untrusted_root"


@pytest.mark.parametrize("name", ["bundle-v1", "bundle-v2"])
@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 1 << 20), value=st.integers(0, 255))
def test_a_changed_byte_never_crashes(name, place, value):
    raw, digest = _bundle(name)
    changed = bytearray(raw)
    changed[place % len(raw)] = value
    assert _verdict(bytes(changed), digest) in ORDER


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_junk_is_unsupported(raw):
    assert _verdict(raw, "sha256:" + "0" * 64) == "unsupported_format"


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "mediaType",
                        "verificationMaterial",
                        "dsseEnvelope",
                        "certificate",
                        "tlogEntries",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_ends_in_a_class(value):
    assert _verdict(json.dumps(value).encode(), "sha256:" + "0" * 64) == "unsupported_format"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b'{"mediaType": "x"}', b"[" * 100_000, b"nonsense"],
)
def test_no_trusted_root(raw):
    with pytest.raises(RejectedError):
        parse_root(raw)


def test_no_key():
    with pytest.raises(RejectedError):
        load_pem(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")


def test_deeply_nested_json_is_refused():
    with pytest.raises(RejectedError):
        parse(b'{"mediaType":' + b"[" * 200_000)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_inclusion_proofs_lead_to_the_root(size):
    leaves = [hashlib.sha256(b"\0%d" % n).digest() for n in range(size)]
    for index, leaf in enumerate(leaves):
        assert root_of(index, size, leaf, tuple(_path(index, leaves))) == _root(leaves)


def _root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _path(index, leaves):
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*_path(index, leaves[:half]), _root(leaves[half:])]
    return [*_path(index - half, leaves[half:]), _root(leaves[:half])]


@pytest.mark.parametrize(("index", "size", "count"), [(1, 1, 0), (0, 2, 0), (-1, 4, 2), (0, 2, 2)])
def test_impossible_proofs(index, size, count):
    with pytest.raises(RejectedError):
        root_of(index, size, b"", (b"",) * count)


def test_bytes_are_read_in_either_alphabet():
    raw = bytes(range(250, 256))
    assert octets(base64.b64encode(raw).decode(), "x") == raw
    assert octets(base64.urlsafe_b64encode(raw).decode().rstrip("="), "x") == raw
    with pytest.raises(RejectedError):
        octets("a b", "x")
