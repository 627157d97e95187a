# SPDX-License-Identifier: Apache-2.0
"""Does each step of our own verifier fail for its own reason, with no second opinion to help?"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.legacy import Layer, verify_layer
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Material, Requirements, verify_bundle
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "signatures"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _image(name):
    lines = (DATA / "README.md").read_text().splitlines()
    (found,) = [line for line in lines if f"/acme/{name}@" in line]
    return "sha256:" + found.split("sha256:")[1][:64]


def _bundle(name):
    folder, digest = Folder(DATA / "evidence"), _image(name)
    referrers = [d.digest for d in folder.referrers(digest)]
    manifest = next(folder.manifests[d] for d in referrers if folder.manifests[d].layers)
    return json.loads(folder.blob(manifest.layers[0][0].digest)), digest


def _root(change=None):
    value = json.loads((DATA / "trusted_root.json").read_text())
    if change is not None:
        change(value)
    return parse_root(json.dumps(value).encode())


def _reason(bundle, digest, root=None, requirements=None):
    material = Material(root or _root(), None, NOW, requirements or Requirements())
    with pytest.raises(RejectedError) as caught:
        verify_bundle(parse(json.dumps(bundle).encode()), material, digest)
    return caught.value.reason


def _entry(bundle):
    return bundle["verificationMaterial"]["tlogEntries"][0]


def _flip(text):
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("name", ["bundle-v1", "bundle-v2"])
def test_the_sound_bundle(name):
    bundle, digest = _bundle(name)
    found = verify_bundle(parse(json.dumps(bundle).encode()), Material(_root(), None, NOW), digest)
    assert found.predicate == "https://sigstore.dev/cosign/sign/v1"


def test_another_root_of_the_tree():
    bundle, digest = _bundle("bundle-v1")
    proof = _entry(bundle)["inclusionProof"]
    proof["rootHash"] = _flip(proof["rootHash"])
    assert _reason(bundle, digest) == "the inclusion proof does not lead to its root"


def test_another_size_of_the_tree():
    bundle, digest = _bundle("bundle-v1")
    _entry(bundle)["inclusionProof"]["treeSize"] = "7"
    assert _reason(bundle, digest) == "the inclusion proof has the wrong length"


def test_another_checkpoint():
    bundle, digest = _bundle("bundle-v1")
    other, _ = _bundle("log-late-v1")
    checkpoint = _entry(other)["inclusionProof"]["checkpoint"]
    _entry(bundle)["inclusionProof"]["checkpoint"] = checkpoint
    assert _reason(bundle, digest) == "the checkpoint states another root"


def test_a_signature_that_rekor_2_did_not_record():
    bundle, digest = _bundle("bundle-v2")
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = _flip(signature["sig"])
    assert _reason(bundle, digest) == "the log did not record this signature"


def test_a_signature_that_rekor_1_did_not_record():
    bundle, digest = _bundle("bundle-v1")
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = _flip(signature["sig"])
    assert _reason(bundle, digest) == "the log recorded another signature"


def test_a_signer_that_the_log_did_not_record():
    bundle, digest = _bundle("bundle-v1")
    other, _ = _bundle("other-identity-v1")
    certificate = other["verificationMaterial"]["certificate"]
    bundle["verificationMaterial"]["certificate"] = certificate
    assert _reason(bundle, digest) == "the log recorded another certificate or key"


def test_a_payload_that_the_log_did_not_record():
    bundle, digest = _bundle("bundle-v1")
    other, _ = _bundle("bundle-v2")
    bundle["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    assert _reason(bundle, digest) == "the log recorded another payload"


def test_recorded_after_the_end_of_the_certificate():
    bundle, digest = _bundle("log-late-v1")
    assert _reason(bundle, digest) == "it was recorded outside the validity of its certificate"


def test_without_log_the_clock_decides():
    bundle, digest = _bundle("bundle-v1")
    requirements = Requirements(log="ignored", timestamp="if_needed")
    reason = "the certificate was not valid when the signature was made"
    assert _reason(bundle, digest, requirements=requirements) == reason


def test_a_transparency_log_with_another_key():
    def swap(value):
        value["ctlogs"][0]["publicKey"]["rawBytes"] = value["tlogs"][0]["publicKey"]["rawBytes"]

    bundle, digest = _bundle("bundle-v1")
    reason = "the certificate transparency log's signature does not hold"
    assert _reason(bundle, digest, _root(swap)) == reason


def test_a_log_that_was_not_trusted_yet():
    def later(value):
        for log in value["tlogs"]:
            log["publicKey"]["validFor"] = {"start": "2027-01-01T00:00:00Z"}

    bundle, digest = _bundle("bundle-v1")
    reason = "its transparency log was not trusted at that time"
    assert _reason(bundle, digest, _root(later)) == reason


def _legacy():
    folder, digest = Folder(DATA / "evidence"), _image("legacy-keyless")
    manifest = folder.manifests[folder.tag(f"sha256-{digest[7:]}.sig")]
    ((layer, annotations),) = manifest.layers
    return Layer(folder.blob(layer.digest), annotations), digest


def test_the_sound_legacy_signature():
    layer, digest = _legacy()
    assert verify_layer(layer, Material(_root(), None, NOW), digest).digests == (digest,)


def test_a_legacy_payload_that_the_log_did_not_record():
    layer, digest = _legacy()
    changed = Layer(layer.payload + b" ", layer.annotations)
    with pytest.raises(RejectedError) as caught:
        verify_layer(changed, Material(_root(), None, NOW), digest)
    assert caught.value.reason == "the log recorded another payload"
