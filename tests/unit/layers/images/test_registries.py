# SPDX-License-Identifier: Apache-2.0
"""Are signatures found in a registry, and is silence never taken for their absence?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kguard.errors import ConfigError
from kguard.layers.images import progress
from kguard.layers.images.facts import compute
from kguard.layers.images.registries import Registries, settings_of
from kguard.layers.images.semantics.references import parse_weakly
from kguard.layers.images.verification.judge import Authorities
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.verify import Requirements
from kguard.model.layer import Request
from kguard.sources.registry import Settings, gate
from tests.objects import inventory
from tests.unit.layers.images.signing import Signer
from tests.unit.sources.registry.fake import INDEX, MANIFEST, FakeRegistry, digest_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IMAGE = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": []}).encode()


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(gate, "LONGEST_WAIT_SECONDS", 0.01)


@pytest.fixture
def signer():
    return Signer()


@pytest.fixture(params=[True, False], ids=["referrers", "tags only"])
def registry(request):
    found = FakeRegistry(referrers=request.param)
    yield found
    found.close()


def assess(registry, signer, reference):
    key = load_pem(signer.public)
    keyed = Requirements(log="ignored", timestamp="if_needed", sct=True)
    authorities = Authorities(keys=(key,), keyed=keyed)
    found = parse_weakly(f"{registry.name}/shop/{reference}")
    registries = Registries()
    digest = found.digest or registries.digest_of(found)
    if not digest:
        return registries.no_digest(found)
    return registries.assess(found, digest, authorities, NOW)


def signed(registry, signer, digest):
    """A signature with the tag that cosign gives it."""
    payload, manifest = signer.legacy(f"{registry.name}/shop/cart", digest)
    registry.put(payload)
    registry.put(manifest, tag=digest.replace(":", "-") + ".sig")


def test_a_signature_by_tag(registry, signer):
    digest = registry.put(IMAGE, tag="1.0")
    signed(registry, signer, digest)
    found = assess(registry, signer, "cart:1.0")
    assert (found.signature, found.best.location) == ("verified", "sig-tag")


def test_a_signature_of_the_index_that_the_tag_names(registry, signer):
    digest = registry.put(IMAGE)
    listed = {"mediaType": MANIFEST, "digest": digest, "size": len(IMAGE)}
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}
    index = registry.put(json.dumps(body).encode(), tag="1.0")
    signed(registry, signer, index)
    found = assess(registry, signer, f"cart:1.0@{digest}")
    assert found.signature == "signed_via_index"


def test_unsigned_only_where_every_place_was_asked(registry, signer):
    registry.put(IMAGE, tag="1.0")
    assert assess(registry, signer, "cart:1.0").signature == "unsigned"
    asked = [path.rpartition("/")[2] for path, _ in registry.requests]
    name = digest_of(IMAGE).replace(":", "-")
    assert {name, f"{name}.sig", f"{name}.att"} <= {*asked}
    assert any("/referrers/" in path for path, _ in registry.requests)


@pytest.mark.parametrize(
    ("fault", "signature"),
    [
        ((403, {}, b""), "unknown_auth"),
        ((418, {}, b""), "unknown_unreachable"),
    ],
)
@pytest.mark.parametrize("after", range(6))
def test_a_place_that_does_not_answer_is_no_absence(registry, signer, fault, signature, after):
    digest = registry.put(IMAGE)
    answer = registry.answer
    seen = []

    def broken(target, authorization):
        seen.append(target)
        return fault if len(seen) == after + 1 else answer(target, authorization)

    registry.answer = broken
    assert assess(registry, signer, f"cart@{digest}").signature == signature


def test_a_place_that_is_busy_does_not_hide_a_signature_elsewhere(registry, signer):
    digest = registry.put(IMAGE)
    signed(registry, signer, digest)
    answer = registry.answer

    def busy(target, authorization):
        return (503, {}, b"") if "/referrers/" in target else answer(target, authorization)

    registry.answer = busy
    assert assess(registry, signer, f"cart@{digest}").signature == "verified"


def test_other_bytes_are_tampering(registry, signer):
    digest = registry.put(IMAGE)
    registry.content[digest] = IMAGE + b" "
    assert assess(registry, signer, f"cart@{digest}").signature == "tampered"


def registries_of(registry, tmp_path, **more):
    return Registries(Settings(cache=str(tmp_path / "cache"), **more))


def judged(registry, signer, asked, digest):
    key = load_pem(signer.public)
    keyed = Requirements(log="ignored", timestamp="if_needed", sct=True)
    reference = parse_weakly(f"{registry.name}/shop/cart@{digest}")
    return asked.assess(reference, digest, Authorities(keys=(key,), keyed=keyed), NOW)


def test_a_second_run_asks_only_whether_the_signature_is_still_there(registry, signer, tmp_path):
    digest = registry.put(IMAGE)
    signed(registry, signer, digest)
    assert judged(registry, signer, registries_of(registry, tmp_path), digest).best
    registry.asked.clear()
    found = judged(registry, signer, registries_of(registry, tmp_path), digest)
    name = digest.replace(":", "-") + ".sig"
    assert found.signature == "verified"
    assert registry.asked == [f"HEAD /v2/shop/cart/manifests/{name}"]


def test_a_signature_that_was_taken_away_is_missed_at_once(registry, signer, tmp_path):
    digest = registry.put(IMAGE)
    signed(registry, signer, digest)
    judged(registry, signer, registries_of(registry, tmp_path), digest)
    registry.tags.clear()
    found = judged(registry, signer, registries_of(registry, tmp_path), digest)
    assert found.signature == "unsigned"


def test_a_new_signature_is_seen_at_once(registry, signer, tmp_path):
    digest = registry.put(IMAGE)
    found = judged(registry, signer, registries_of(registry, tmp_path), digest)
    assert found.signature == "unsigned"
    signed(registry, signer, digest)
    found = judged(registry, signer, registries_of(registry, tmp_path), digest)
    assert found.signature == "verified"


def test_signatures_in_another_repository(registry, signer, tmp_path):
    images, digest = FakeRegistry(), digest_of(IMAGE)
    try:
        images.put(IMAGE)
        signed(registry, signer, digest)
        beside = ((images.name, f"{registry.name}/signatures"),)
        found = judged(images, signer, registries_of(images, tmp_path, signatures=beside), digest)
        assert found.signature == "verified"
        assert any("/v2/signatures/manifests/" in line for line in registry.asked)
        assert judged(images, signer, Registries(), digest).signature == "unsigned"
    finally:
        images.close()


SIGSTORE = """
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec:
  images: [{glob: "%s/shop/**"}]
  authorities: [{source: [{oci: "%s/signatures"}, {oci: "-"}]}]
"""
KYVERNO = """
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: shop}
spec:
  rules:
  - name: signed
    verifyImages: [{imageReferences: ["%s/shop/*", 7], repository: "%s/signatures"}]
"""


@pytest.mark.parametrize("policy", [SIGSTORE, KYVERNO])
@pytest.mark.parametrize("counts", [True, False])
def test_signatures_where_a_policy_of_the_cluster_looks(registry, signer, policy, counts):
    images, digest = FakeRegistry(), digest_of(IMAGE)
    try:
        images.put(IMAGE)
        signed(registry, signer, digest)
        asked = Registries()
        named = images.name if counts else "other.test"
        asked.look_where(inventory(policy % (named, registry.name)).manifests)
        expected = "verified" if counts else "unsigned"
        assert judged(images, signer, asked, digest).signature == expected
    finally:
        images.close()


PREFIXED = """
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec:
  images: [{glob: "%s/shop/**"}]
  authorities: [{source: [{tagPrefix: release-}]}]
"""


def test_signatures_under_tags_with_a_prefix(registry, signer):
    digest = registry.put(IMAGE)
    payload, manifest = signer.legacy(f"{registry.name}/shop/cart", digest)
    registry.put(payload)
    registry.put(manifest, tag=f"release-{digest.replace(':', '-')}.sig")
    asked = Registries()
    assert judged(registry, signer, asked, digest).signature == "unsigned"
    asked.look_where(inventory(PREFIXED % registry.name).manifests)
    assert judged(registry, signer, asked, digest).signature == "verified"


def test_what_is_not_there(registry, signer):
    assert assess(registry, signer, "cart:9").signature == "not_found"


def test_the_facts_of_a_scan(registry, signer, tmp_path):
    digest = registry.put(IMAGE, tag="1.0")
    signed(registry, signer, digest)
    (tmp_path / "key.pem").write_bytes(signer.public)
    pods = inventory(
        f"""
apiVersion: v1
kind: Pod
metadata: {{name: good}}
spec: {{containers: [{{name: c, image: "{registry.name}/shop/cart:1.0"}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: gone}}
spec: {{containers: [{{name: c, image: "{registry.name}/shop/cart:2.0"}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: nobody}}
spec: {{containers: [{{name: c, image: "127.0.0.1:1/shop/cart:2.0"}}]}}
"""
    )
    request = Request("app", NOW, trust_roots=(str(tmp_path / "key.pem"),), registry=True)
    found = {use.ref.name: (use.signature, use.how) for use in compute(pods, request).uses}
    assert found == {
        "good": ("verified", "registry_tag"),
        "gone": ("not_found", "unresolved"),
        "nobody": ("unknown_unreachable", "unresolved"),
    }


def test_progress_is_told_by_registry(monkeypatch):
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0)
    said = []
    counts = progress.Counts(["a.test", "b.test", "a.test"], said.append)
    for name in ("a.test", "b.test", "a.test"):
        counts.one(name)
    assert said == ["a.test: 1 of 2 images", "a.test: 1 of 2 images"]


def test_a_short_run_says_nothing():
    said = []
    progress.Counts(["a.test", "a.test"], said.append).one("a.test")
    assert said == []


def test_settings_name_files_that_are_there(tmp_path):
    with pytest.raises(ConfigError, match="no such file with certificate authorities"):
        settings_of({"ca-files": [str(tmp_path / "none.pem")]})
    with pytest.raises(ConfigError, match="node-files"):
        settings_of({"node-files": [str(tmp_path)]})
