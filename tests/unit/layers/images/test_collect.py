# SPDX-License-Identifier: Apache-2.0
"""Does an evidence folder say without a network what the registry says with one?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kguard.errors import UsageError
from kguard.layers.images.collecting import collect_all, copy_trust
from kguard.layers.images.evidence.folder import Folder
from kguard.layers.images.facts import compute
from kguard.layers.images.registries import Registries
from kguard.model.layer import Request
from kguard.sources.registry import gate
from support.generators.signed.cases import files, pki
from support.generators.signed.images import Repository, sign
from support.generators.signed.pki import ISSUER, SUBJECT
from tests.conformance.cosign_own.registry import Registry
from tests.objects import inventory
from tests.unit.layers.images.signing import Signer
from tests.unit.layers.images.test_registries import IMAGE, signed
from tests.unit.sources.registry.fake import FakeRegistry

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FORMS = ("bundle-v1", "bundle-v2", "legacy", "legacy-attestation", "oci11")


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(gate, "LONGEST_WAIT_SECONDS", 0.01)


@pytest.fixture
def registry():
    with Registry() as found:
        for form in FORMS:
            for mode in ("referrers", "fallback"):
                repository = Repository(f"shop/{form}-{mode}", mode)
                digest = repository.image(f"{form} {mode}", "1.0")
                sign(form, pki("acme"), digest, "signer").store(repository)
                found.add(repository.row, repository.content)
        plain = Repository("shop/plain", "fallback")
        plain.image("plain", "1.0")
        found.add(plain.row, plain.content)
        yield found


def pods(registry, *more):
    names = [f"{form}-{mode}" for form in FORMS for mode in ("referrers", "fallback")]
    images = [f"{registry.name}/shop/{name}:1.0" for name in (*names, "plain", "gone")]
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate([*images, *more])]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    return inventory(json.dumps({**pod, "spec": {"containers": containers}}))


def classes(found, tmp_path, **more):
    (tmp_path / "root.json").write_bytes(files()["good.json"])
    request = Request(
        "app",
        NOW,
        trust_roots=(str(tmp_path / "root.json"),),
        identities=({"issuer": ISSUER, "subject": SUBJECT},),
        **more,
    )
    return {use.image: (use.signature, use.digest) for use in compute(found, request).uses}


def test_the_folder_says_what_the_registry_says(registry, tmp_path):
    found = pods(registry, "127.0.0.1:1/shop/nobody:1.0")
    asked = classes(found, tmp_path, registry=True)
    collect_all(found, Registries(), tmp_path / "out", NOW)
    assert classes(found, tmp_path, evidence_dirs=(str(tmp_path / "out"),)) == asked
    assert {name for name, _ in asked.values()} == {
        "verified",
        "verified_attestation_only",
        "unsigned",
        "not_found",
        "unknown_unreachable",
    }


def test_the_record_names_what_could_not_be_read(registry, tmp_path):
    found = pods(registry, "127.0.0.1:1/shop/nobody:1.0")
    asked = collect_all(found, Registries(), tmp_path / "out", NOW)
    errors = {entry.reference.rpartition("/")[2]: entry.error for entry in asked if entry.error}
    assert errors == {"gone:1.0": "not_found", "nobody:1.0": "unreachable"}
    assert Folder(tmp_path / "out").problems == []


def test_a_copy_of_an_image_elsewhere_is_not_unsigned(registry, tmp_path):
    """What one repository does not have says nothing about another."""
    collect_all(pods(registry), Registries(), tmp_path / "out", NOW)
    digest = Folder(tmp_path / "out").resolve(f"{registry.name}/shop/plain:1.0")
    other = inventory(
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, "
        f"spec: {{containers: [{{name: c, image: 'other.test/plain@{digest}'}}]}}}}"
    )
    found = classes(other, tmp_path, evidence_dirs=(str(tmp_path / "out"),))
    assert [name for name, _ in found.values()] == ["not_evaluated"]


def test_an_image_by_digest_is_not_latest(registry, tmp_path):
    collect_all(pods(registry), Registries(), tmp_path / "out", NOW)
    digest = Folder(tmp_path / "out").resolve(f"{registry.name}/shop/plain:1.0")
    by_digest = pods(registry, f"{registry.name}/shop/plain@{digest}")
    collect_all(by_digest, Registries(), tmp_path / "out", NOW)
    assert Folder(tmp_path / "out").resolve(f"{registry.name}/shop/plain:latest") == ""


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        collect_all(inventory("{}"), Registries(), tmp_path, NOW)


def test_the_trust_of_the_settings_is_copied(tmp_path):
    root = tmp_path / "a" / "root.json"
    root.parent.mkdir()
    root.write_bytes(files()["good.json"])
    assert list(copy_trust(tmp_path, [str(root)])) == ["root.json"]
    assert list(copy_trust(tmp_path, [])) == ["trusted_root.json"]
    assert (tmp_path / "trusted_root.json").read_bytes().lstrip().startswith(b"{")


def test_a_place_that_did_not_answer_was_not_asked(tmp_path):
    registry, signer = FakeRegistry(), Signer()
    try:
        digest = registry.put(IMAGE, tag="1.0")
        signed(registry, signer, digest)
        answer = registry.answer

        def refused(target, authorization):
            return (403, {}, b"") if target.endswith(".att") else answer(target, authorization)

        registry.answer = refused
        pod = (
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: "
            f"[{{name: c, image: '{registry.name}/shop/cart:1.0'}}]}}}}"
        )
        [entry] = collect_all(inventory(pod), Registries(), tmp_path, NOW)
        assert (entry.asked, entry.error) == (("referrers", "fallback-tag", "sig"), None)
        registry.tags = {"1.0": digest}
        [entry] = collect_all(inventory(pod), Registries(), tmp_path, NOW)
        assert (entry.asked, entry.error) == (("referrers", "fallback-tag", "sig"), "auth")
    finally:
        registry.close()
