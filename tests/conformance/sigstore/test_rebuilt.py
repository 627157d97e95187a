# SPDX-License-Identifier: Apache-2.0
"""The four vectors of the upstream suite that `sigstore` alone gets wrong, made again by ourselves.

managed-key-happy-path, managed-key-and-trusted-root, intoto-with-custom-trust-root and
trust-root-tsa-validity-end-inclusive: each is accepted, and refused once its point is taken away.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.second import second_opinion
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Material, Requirements, verify_bundle
from support.generators.signed.cases import files, pki
from support.generators.signed.images import BUNDLE, hashedrekord_body, sign, v1_entry
from support.generators.signed.pki import SIGNED_AT, Key, Root, text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ARTIFACT = b"an artifact"
DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"


def accepted(document, digest, root, key=None):
    """As a client of the suite: with a key the log entry is checked where there is one."""
    requirements = Requirements(log="if_present") if key else Requirements()
    found = parse_root(root) if root else None
    material = Material(found, load_pem(key) if key else None, NOW, requirements)
    try:
        bundle = parse(json.dumps(document).encode())
        verify_bundle(bundle, material, digest)
        second_opinion(bundle, material)
    except RejectedError:
        return False
    return True


def managed(signer, *, entry):
    """A signature of an artifact with a key that somebody manages."""
    signature = signer.sign(ARTIFACT)
    material = {"publicKey": {"hint": text(hashlib.sha256(signer.spki).digest())}}
    if entry:
        body = hashedrekord_body(ARTIFACT, signature, signer.pem)
        material["tlogEntries"] = [v1_entry(pki("acme"), body)]
    digest = {"algorithm": "SHA2_256", "digest": text(hashlib.sha256(ARTIFACT).digest())}
    content = {"messageDigest": digest, "signature": text(signature)}
    return {"mediaType": BUNDLE, "verificationMaterial": material, "messageSignature": content}


@pytest.mark.parametrize("entry", [True, False])
def test_managed_key(entry):
    key = Key("managed")
    document = managed(key, entry=entry)
    assert accepted(document, DIGEST, None, key.pem)
    assert not accepted(document, DIGEST, None, Key("other").pem)
    assert not accepted(document, "sha256:" + "0" * 64, None, key.pem)
    assert not accepted(document, DIGEST, None)


def test_managed_key_and_trusted_root():
    key = Key("managed")
    document = managed(key, entry=True)
    assert accepted(document, DIGEST, files()["good.json"], key.pem)
    assert not accepted(document, DIGEST, files()["other-log.json"], key.pem)


def test_intoto_entry_with_custom_root():
    digest = "sha256:" + "ab" * 32
    document = sign("bundle-v1", pki("acme"), digest, "release", kind="intoto").document
    assert accepted(document, digest, files()["good.json"])
    other = sign("bundle-v1", pki("acme"), digest, "other", kind="intoto").document
    entries = other["verificationMaterial"]["tlogEntries"]
    document["verificationMaterial"]["tlogEntries"] = entries
    assert not accepted(document, digest, files()["good.json"])


@pytest.mark.parametrize(("late", "expected"), [(0, True), (1, False)])
def test_the_last_second_of_a_timestamp_authority(late, expected):
    digest = "sha256:" + "ab" * 32
    document = sign("bundle-v2", pki("acme"), digest, "release").document
    parts = [[pki("acme")]] * 4
    root = replace(Root(*parts), tsa_end=SIGNED_AT - timedelta(seconds=late))
    assert accepted(document, digest, root.raw) is expected
