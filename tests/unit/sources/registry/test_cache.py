# SPDX-License-Identifier: Apache-2.0
"""Is what registries answered before believed no further than it may be?"""

from __future__ import annotations

import os
import time

import pytest

from kguard.model.digests import digest_of
from kguard.sources.registry import Client, Keychain, Remembering, Settings, cache, remembering
from kguard.sources.registry.cache import Cache
from tests.unit.sources.registry.fake import FakeRegistry

MANIFEST = b'{"schemaVersion": 2, "config": {}, "layers": []}'
OTHER = b'{"schemaVersion": 2, "config": {}, "layers": [], "annotations": {}}'


@pytest.fixture
def registry():
    found = FakeRegistry()
    yield found
    found.close()


@pytest.fixture
def ask(registry, tmp_path):
    """A repository in a new run with the same cache; returns what it asked, too."""

    def start(*, fresh=False, repository="shop/cart"):
        registry.asked.clear()
        kept = Cache(str(tmp_path / "cache"))
        client = Client(Settings(), Keychain({}))
        return Remembering(client, kept, registry.name, repository, fresh=fresh)

    return start


def test_content_is_hashed_when_it_is_read(tmp_path):
    kept = Cache(str(tmp_path))
    digest = digest_of(MANIFEST)
    kept.keep(digest, MANIFEST)
    assert Cache(str(tmp_path)).content(digest) == MANIFEST
    [path] = (tmp_path / "content").glob("*/*")
    path.write_bytes(OTHER)
    assert kept.content(digest) is None


def test_large_content_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_CONTENT_BYTES", 10)
    kept = Cache(str(tmp_path))
    kept.keep(digest_of(MANIFEST), MANIFEST)
    assert kept.content(digest_of(MANIFEST)) is None


def test_a_pointer_belongs_to_its_name(tmp_path):
    kept = Cache(str(tmp_path))
    kept.point("r/a:1", "sha256:1")
    assert kept.pointer("r/a:1").digest == "sha256:1"
    assert kept.pointer("r/a:2") is None
    [path] = (tmp_path / "pointers").glob("*/*")
    path.write_bytes(b"{")
    assert kept.pointer("r/a:1") is None


@pytest.mark.parametrize("folder", ["", "/proc/nowhere", "/dev/null/x"])
def test_an_unwritable_folder_is_no_cache(folder):
    kept = Cache(folder)
    kept.keep(digest_of(MANIFEST), MANIFEST)
    kept.point("a", "b")
    kept.sweep()
    assert (kept.content(digest_of(MANIFEST)), kept.pointer("a")) == (None, None)


def test_what_is_old_is_swept_once_a_day(tmp_path):
    kept = Cache(str(tmp_path))
    for raw in (MANIFEST, OTHER):
        kept.keep(digest_of(raw), raw)
    past = time.time() - cache.KEPT_SECONDS - 60
    name = digest_of(MANIFEST).removeprefix("sha256:")
    os.utime(tmp_path / "content" / name[:2] / name, (past, past))
    kept.sweep()
    assert (kept.content(digest_of(MANIFEST)), kept.content(digest_of(OTHER))) == (None, OTHER)
    name = digest_of(OTHER).removeprefix("sha256:")
    os.utime(tmp_path / "content" / name[:2] / name, (past, past))
    kept.sweep()
    assert kept.content(digest_of(OTHER)) == OTHER


def test_a_manifest_is_asked_for_once(registry, ask):
    digest = registry.put(MANIFEST)
    assert ask().manifest(digest, listed=False) == MANIFEST
    assert ask().manifest(digest, listed=False) == MANIFEST
    assert registry.asked == []


def test_content_of_one_repository_is_not_in_another(registry, ask):
    digest = registry.put(MANIFEST)
    ask().manifest(digest, listed=False)
    del registry.content[digest]
    assert ask(repository="shop/other").manifest(digest, listed=False) is None
    assert registry.asked[0].startswith("HEAD /v2/shop/other/manifests/")


def test_an_old_answer_is_asked_again_by_head(registry, ask, monkeypatch):
    digest = registry.put(MANIFEST)
    ask().manifest(digest, listed=False)
    monkeypatch.setattr(remembering, "REMEMBERED_SECONDS", 0)
    assert ask().manifest(digest, listed=False) == MANIFEST
    assert registry.asked == [f"HEAD /v2/shop/cart/manifests/{digest}"]


def test_a_tag_is_always_asked_for_by_head(registry, ask):
    digest = registry.put(MANIFEST, tag="1.0")
    assert ask().tag("1.0") == (digest, MANIFEST)
    assert registry.asked == ["GET /v2/shop/cart/manifests/1.0"]
    assert ask().tag("1.0") == (digest, MANIFEST)
    assert registry.asked == ["HEAD /v2/shop/cart/manifests/1.0"]


def test_a_tag_that_moved_is_read_again(registry, ask):
    registry.put(MANIFEST, tag="1.0")
    ask().tag("1.0")
    moved = registry.put(OTHER, tag="1.0")
    assert ask().tag("1.0") == (moved, OTHER)
    assert ask().tag("1.0") == (moved, OTHER)


def test_a_tag_that_is_gone(registry, ask):
    registry.put(MANIFEST, tag="1.0")
    ask().tag("1.0")
    del registry.tags["1.0"]
    assert ask().tag("1.0") == ("", b"")


def test_a_head_that_lies_or_is_refused_costs_one_request_more(registry, ask):
    digest = registry.put(MANIFEST, tag="1.0")
    ask().tag("1.0")
    answer = registry.answer
    repository = ask()
    registry.faults = [(405, {}, b"")]
    assert repository.tag("1.0") == (digest, MANIFEST)
    assert [line.split()[0] for line in registry.asked] == ["HEAD", "GET"]
    registry.answer = answer


def test_an_absence_is_believed_for_a_while_only(registry, ask, monkeypatch):
    assert ask().tag("x.sig") == ("", b"")
    repository = ask()
    assert repository.tag("x.sig") == ("", b"")
    assert (registry.asked, repository.remembered) == ([], True)
    assert ask(fresh=True).tag("x.sig") == ("", b"")
    assert registry.asked == ["GET /v2/shop/cart/manifests/x.sig"]
    monkeypatch.setattr(remembering, "REMEMBERED_SECONDS", 0)
    ask().tag("x.sig")
    assert registry.asked == ["GET /v2/shop/cart/manifests/x.sig"]


@pytest.mark.parametrize("api", [True, False])
def test_a_list_is_believed_for_a_while_only(registry, ask, api):
    registry.has_referrers = api
    digest = digest_of(MANIFEST)
    first = ask().referrers(digest)
    assert (first is None) is not api
    assert ask().referrers(digest) == first
    assert registry.asked == []
    ask(fresh=True).referrers(digest)
    assert registry.asked == [f"GET /v2/shop/cart/referrers/{digest}"]


def test_a_blob_is_asked_for_once_and_is_no_longer_than_said(registry, ask):
    digest = registry.put(b"content")
    assert ask().blob(digest, 7) == b"content"
    assert ask().blob(digest, 7) == b"content"
    assert registry.asked == []
    assert len(ask().blob(digest, 3)) == 4
