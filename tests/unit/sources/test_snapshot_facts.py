# SPDX-License-Identifier: Apache-2.0
"""Do masked values take nothing away that facts are made of?"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from kguard import sources
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.scan import Options, compute, inventory_of
from kguard.sources import snapshot

AT = datetime(2026, 11, 30, tzinfo=UTC)
CORPUS = ("online-boutique", "knative-serving", "knative-docs", "istio-bookinfo", "falco-rules")


def facts(collected: Collected) -> bytes:
    options = Options(at=AT, scope="cluster")
    found = compute(inventory_of(collected, options), options)
    return msgspec.json.encode(found, order="sorted")


def of_cluster(folder: str) -> Collected:
    """The objects of a folder as a cluster would give them, in the order of a snapshot."""
    read = sources.collect([folder], sources.Options(render="never"))
    unique = {msgspec.json.encode(manifest.object): manifest.object for manifest in read.manifests}
    text = SourceText("", 0, 0, "", cluster="prod")
    return Collected(manifests=[Manifest(found, text) for found in unique.values()])


def check(folder: str, tmp_path) -> None:
    collected = of_cluster(folder)
    assert collected.manifests
    (tmp_path / "state").write_bytes(snapshot.write(collected, "prod", AT))
    kept = snapshot.read(tmp_path / "state")
    assert facts(kept) == facts(in_order(collected, kept))


def in_order(collected: Collected, like: Collected) -> Collected:
    """The same objects with the places that they have in a snapshot."""
    keys = [identity(manifest) for manifest in like.manifests]
    by_key: dict[str, list[Manifest]] = {}
    for manifest in collected.manifests:
        by_key.setdefault(identity(manifest), []).append(manifest)
    found = [by_key[key].pop(0) for key in keys]
    for manifest, other in zip(found, like.manifests, strict=True):
        manifest.text = other.text
    return Collected(manifests=found)


def identity(manifest: Manifest) -> str:
    item = manifest.object
    metadata = item.get("metadata") or {}
    return f"{item['apiVersion']} {item['kind']} {metadata.get('namespace')} {metadata.get('name')}"


def test_the_shop(checkout, tmp_path):
    check(str(checkout / "examples" / "shop"), tmp_path)


@pytest.mark.parametrize("name", CORPUS)
def test_applications(name, shared, tmp_path):
    check(str(shared / "corpus" / name), tmp_path)
