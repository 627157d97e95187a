# SPDX-License-Identifier: Apache-2.0
"""Is a registry that serves too much, or in circles, answered with one sentence and little work?"""

from __future__ import annotations

import json
import tracemalloc

import pytest

from kguard.layers.images.registries import Registries
from kguard.layers.images.semantics.references import parse_weakly
from kguard.layers.images.verification.judge import Authorities
from kguard.sources.registry import Settings, gate
from tests.unit.layers.images.test_registries import IMAGE, NOW
from tests.unit.sources.registry.fake import INDEX, MANIFEST, FakeRegistry, digest_of

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
MOST_MEMORY = 64 << 20


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(gate, "LONGEST_WAIT_SECONDS", 0.01)
    found = FakeRegistry()
    yield found
    found.close()


def asked(registry, digest, **settings):
    """The verdict, and the most memory that it took."""
    reference = parse_weakly(f"{registry.name}/shop/cart@{digest}")
    registries = Registries(Settings(**settings))
    tracemalloc.start()
    try:
        found = registries.assess(reference, digest, Authorities(), NOW)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def layer(kind, size, digest="sha256:" + "0" * 64):
    return {"mediaType": kind, "digest": digest, "size": size}


def manifest(*layers, **more):
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": list(layers)}
    return json.dumps({**body, **more}).encode()


def subject(digest):
    return {"subject": {"mediaType": MANIFEST, "digest": digest, "size": 1}}


def test_a_bundle_of_100_mib_is_not_fetched(registry):
    digest = registry.put(IMAGE)
    registry.put(manifest(layer(BUNDLE, 100 << 20), **subject(digest)), subject=digest)
    found, memory = asked(registry, digest)
    assert (found.signature, found.reason) == (
        "unverifiable_offline",
        "a bundle of 100 MiB is not read",
    )
    assert not any("/blobs/" in line for line in registry.asked)
    assert memory < MOST_MEMORY


@pytest.mark.parametrize("kind", [BUNDLE, SIMPLE])
def test_ten_thousand_layers_are_not_fetched(registry, kind):
    digest = registry.put(IMAGE)
    raw = manifest(*[layer(kind, 10)] * 10_000)
    registry.put(raw, tag=digest.replace(":", "-") + ".sig")
    found, memory = asked(registry, digest)
    assert found.signature == "unsupported_format"
    assert not any("/blobs/" in line for line in registry.asked)
    assert memory < MOST_MEMORY


def test_many_large_manifests_are_read_up_to_a_limit(registry):
    digest = registry.put(IMAGE)
    for number in range(40):
        body = manifest(annotations={"filler": "x" * (3 << 20), "n": str(number)})
        registry.put(body, subject=digest)
    found, memory = asked(registry, digest)
    assert found.signature == "unverifiable_offline"
    assert "64 MiB" in found.reason
    assert memory < 3 * MOST_MEMORY


def test_what_refers_to_itself_ends(registry):
    """The fallback tag and the signature tags name the image, and the list names it, too."""
    digest = registry.put(IMAGE)
    name = digest.replace(":", "-")
    for tag in (name, f"{name}.sig", f"{name}.att"):
        registry.tags[tag] = digest
    registry.subjects[digest] = [digest] * 50
    found, _ = asked(registry, digest)
    assert found.signature == "unsigned"
    assert len(registry.asked) < 20


def test_an_index_that_is_its_own_fallback_ends(registry):
    """GitLab's registry resolves `sha256-<hex>` to the index: its children look like referrers."""
    child = registry.put(manifest(layer("application/vnd.oci.image.layer.v1.tar", 3)))
    listed = {"mediaType": MANIFEST, "digest": child, "size": 10}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed] * 2}).encode()
    digest = registry.put(index)
    registry.tags[digest.replace(":", "-")] = digest
    found, _ = asked(registry, digest)
    assert found.signature == "unsigned"


def test_a_bundle_about_another_image_is_nobodys(registry):
    """Its manifest says so, and so does its statement: it is listed here by mistake."""
    digest, other = registry.put(IMAGE), "sha256:" + "1" * 64
    content = b'{"mediaType": "x"}'
    registry.put(content)
    bundle = layer(BUNDLE, len(content), digest_of(content))
    registry.put(manifest(bundle, **subject(other)), subject=digest)
    found, _ = asked(registry, digest)
    assert found.signature == "unsigned"
    assert [s.location for s in found.signatures] == []


@pytest.mark.parametrize("cache", ["/proc/nowhere", "/dev/null/x", ""])
def test_an_unwritable_cache_changes_nothing(registry, cache):
    digest = registry.put(IMAGE)
    assert asked(registry, digest, cache=cache)[0].signature == "unsigned"


def test_without_a_network_there_is_one_sentence():
    registries = Registries()
    reference = parse_weakly("does-not-exist.invalid/shop/cart:1.0")
    assert registries.digest_of(reference) == ""
    found = registries.no_digest(reference)
    assert (found.signature, found.reason) == (
        "unknown_unreachable",
        "does-not-exist.invalid: there is no such host",
    )
