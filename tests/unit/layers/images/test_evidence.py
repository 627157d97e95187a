# SPDX-License-Identifier: Apache-2.0
"""Is an evidence folder read for what it says, and never for more?"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.evidence.store import StoreError
from kguard.layers.images.semantics.references import parse_reference
from kguard.layers.images.signatures import open_assessor
from kguard.model.layer import Request

SHOP = "registry.example.com/shop"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def evidence(checkout, tmp_path) -> Path:
    """A copy of the shop's evidence that a test may damage."""
    return Path(shutil.copytree(checkout / "examples" / "shop" / "evidence", tmp_path / "e"))


@pytest.fixture
def key(checkout) -> str:
    return str(checkout / "examples" / "shop" / "keys" / "shop-release.pub")


def assess(folder, image, *trust, identities=()):
    request = Request("app", NOW, (str(folder),), trust, identities)
    assessor = open_assessor(request, [])
    reference = parse_reference(image)
    digest = reference.digest or assessor.digest_of(reference)
    return assessor.assess(reference, digest)


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def digest(folder: Path, name: str) -> str:
    return Folder(folder).resolve(f"{SHOP}/{name}:1.4.2")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("cart", "verified"),
        ("payments", "wrong_identity"),
        ("recommender", "verified_attestation_only"),
        ("orders", "unsigned"),
        ("inventory", "not_evaluated"),
    ],
)
def test_the_shop(evidence, key, name, verdict):
    assert assess(evidence, f"{SHOP}/{name}:1.4.2", key).signature == verdict


def test_unsigned_needs_the_record(evidence, key):
    (evidence / "evidence.json").unlink()
    assert assess(evidence, f"{SHOP}/orders:1.4.2", key).signature == "not_evaluated"
    assert assess(evidence, f"{SHOP}/cart:1.4.2", key).signature == "verified"


def test_unsigned_needs_all_places(evidence, key):
    record = json.loads((evidence / "evidence.json").read_text())
    for image in record["images"]:
        image["asked"] = ["referrers", "fallback-tag", "sig"]
    (evidence / "evidence.json").write_text(json.dumps(record))
    assert assess(evidence, f"{SHOP}/orders:1.4.2", key).signature == "not_evaluated"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        ("auth", "unknown_auth"),
        ("rate_limited", "unknown_rate_limited"),
        ("unreachable", "unknown_unreachable"),
        ("not_found", "not_found"),
    ],
)
def test_recorded_errors_are_told_apart(tmp_path, key, error, verdict):
    image = {"reference": f"{SHOP}/cart:1.4.2", "error": error}
    record = {"schema": "kguard/evidence/v1", "images": [image]}
    (tmp_path / "evidence.json").write_text(json.dumps(record))
    assert assess(tmp_path, f"{SHOP}/cart:1.4.2", key).signature == verdict


def test_no_key_is_no_verdict(evidence):
    found = assess(evidence, f"{SHOP}/cart:1.4.2")
    assert found.signature == "unverifiable_offline"
    assert "no key is given" in found.reason


def test_a_key_in_the_evidence_is_not_trusted(evidence, key):
    shutil.copy(key, evidence / "cosign.pub")
    assert assess(evidence, f"{SHOP}/cart:1.4.2").signature == "unverifiable_offline"


def test_a_key_counts_for_its_images_only(evidence, key):
    identities = ({"images": f"{SHOP}/cart**", "key": key},)
    assert assess(evidence, f"{SHOP}/cart:1.4.2", identities=identities).signature == "verified"
    other = assess(evidence, f"{SHOP}/catalog:1.4.2", identities=identities)
    assert other.signature == "unverifiable_offline"


def test_other_bytes_are_tampering(evidence, key):
    blob(evidence, digest(evidence, "cart")).write_text('{"layers":[]}')
    assert assess(evidence, f"{SHOP}/cart:1.4.2", key).signature == "tampered"


def test_a_lost_bundle_is_not_unsigned(evidence, key):
    folder = Folder(evidence)
    (referrer,) = folder.referrers(digest(evidence, "cart"))
    ((layer, _),) = folder.manifests[referrer.digest].layers
    blob(evidence, layer.digest).unlink()
    assert assess(evidence, f"{SHOP}/cart:1.4.2", key).signature == "unverifiable_offline"


def test_links_out_of_the_folder_are_not_followed(evidence, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"{}")
    name = hashlib.sha256(b"{}").hexdigest()
    place = evidence / "blobs" / "sha256" / name
    place.unlink(missing_ok=True)
    place.symlink_to(secret)
    with pytest.raises(StoreError):
        Folder(evidence).blob(f"sha256:{name}")


def test_digests_are_no_paths(evidence):
    assert Folder(evidence).blob("sha256:../../index.json") is None


@pytest.mark.parametrize("content", ["", "[", '{"manifests": 7}', "[[[[", '{"manifests":[7,{}]}'])
def test_a_broken_index_never_raises(evidence, content):
    (evidence / "index.json").write_text(content)
    (evidence / "evidence.json").write_text(content)
    folder = Folder(evidence)
    assert folder.resolve("nothing") == ""


def test_a_broken_folder_makes_the_unlisted_unknown(tmp_path, key):
    (tmp_path / "index.json").write_text("no")
    assert assess(tmp_path, f"{SHOP}/cart@sha256:{'0' * 64}", key).signature == "unknown_unreadable"


def test_a_missing_folder_is_unknown(tmp_path, key):
    image = f"{SHOP}/cart@sha256:{'0' * 64}"
    assert assess(tmp_path / "none", image, key).signature == "unknown_unreadable"


def test_an_index_that_contains_itself_ends(tmp_path):
    raw = json.dumps({"manifests": [{"digest": "sha256:" + "0" * 64}]}).encode()
    (tmp_path / "index.json").write_bytes(raw)
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / hashlib.sha256(raw).hexdigest()).write_bytes(raw)
    assert Folder(tmp_path).manifests


def test_a_loose_bundle_is_found_by_its_statement(evidence, key, tmp_path):
    folder = Folder(evidence)
    image = digest(evidence, "cart")
    (referrer,) = folder.referrers(image)
    ((layer, _),) = folder.manifests[referrer.digest].layers
    loose = tmp_path / "loose"
    loose.mkdir()
    shutil.copy(blob(evidence, layer.digest), loose / "cart.sigstore.json")
    found = assess(loose, f"{SHOP}/cart@{image}", key)
    assert (found.signature, found.location) == ("verified", "loose-bundle")
