# SPDX-License-Identifier: Apache-2.0
"""Does a snapshot hold what was read, without secrets, and say when it cannot be trusted?"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest

from kguard.errors import SourceError
from kguard.model.manifests import Collected, Manifest, PlainFile, SourceText, Unreadable
from kguard.sources import snapshot

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
OBJECTS = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"DB_URL": "postgres://app:hunter2@db.shop:5432/app", "PASSWORD": "hunter2"},
    },
]


def collected(objects=OBJECTS):
    return Collected(
        manifests=[Manifest(o, SourceText("", 0, 0, "", cluster="prod")) for o in objects],
        files=[PlainFile("/metrics", "apiserver_audit_event_total 7", "prod")],
        unreadable=[Unreadable("context prod", reason="no right", feeds=("Node",))],
        versions={"kubernetes": "1.36.3"},
    )


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "prod.kguard.gz"
    path.write_bytes(snapshot.write(collected(), "prod", AT))
    return path


def test_what_was_read_comes_back(written):
    found = snapshot.read(written)
    kinds = sorted(manifest.object["kind"] for manifest in found.manifests)
    assert kinds == ["ConfigMap", "Namespace", "Service"]
    assert {manifest.text.cluster for manifest in found.manifests} == {"prod"}
    assert found.files == collected().files
    assert found.unreadable == collected().unreadable
    assert found.versions == {"kubernetes": "1.36.3"}


def test_the_same_state_gives_the_same_bytes():
    assert snapshot.write(collected(OBJECTS[::-1]), "prod", AT) == snapshot.write(
        collected(), "prod", AT
    )


def test_no_secret_is_written(written):
    text = gzip.decompress(written.read_bytes()).decode()
    assert "hunter2" not in text
    assert "db.shop:5432" in text


def test_the_objects_that_were_read_stay_as_they_are():
    found = collected()
    snapshot.write(found, "prod", AT)
    assert [manifest.object for manifest in found.manifests] == OBJECTS


def test_a_snapshot_that_is_cut_off_is_no_smaller_cluster(written):
    data = written.read_bytes()
    written.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="cut off"):
        snapshot.read(written)


def test_missing_lines_are_noticed(written):
    lines = gzip.decompress(written.read_bytes()).splitlines(keepends=True)
    written.write_bytes(gzip.compress(b"".join(lines[:-1])))
    with pytest.raises(SourceError, match="cut off"):
        snapshot.read(written)


def test_a_later_version_asks_for_an_upgrade(written):
    text = gzip.decompress(written.read_bytes()).replace(b"snapshot/v1", b"snapshot/v2")
    written.write_bytes(gzip.compress(text))
    with pytest.raises(SourceError, match="later version") as error:
        snapshot.read(written)
    assert error.value.hint == "upgrade kguard"


@pytest.mark.parametrize(
    "text", [b"", b"[1]\n", b'{"schema": "kguard/snapshot/v1"}\n', b'{"schema": 3}\n', b"\xff\n"]
)
def test_any_other_archive_is_no_snapshot(tmp_path, text):
    (tmp_path / "file").write_bytes(gzip.compress(text))
    with pytest.raises(SourceError, match="this is no snapshot"):
        snapshot.read(tmp_path / "file")


def test_a_manifest_is_no_snapshot(tmp_path):
    (tmp_path / "file").write_bytes(b"kind: Service\n")
    with pytest.raises(SourceError, match="this is no snapshot"):
        snapshot.read(tmp_path / "file")


def test_a_broken_line_is_named(written):
    text = gzip.decompress(written.read_bytes()) + b"{\n"
    written.write_bytes(gzip.compress(text))
    with pytest.raises(SourceError, match=r":5: this is no snapshot"):
        snapshot.read(written)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "MAX_LINE_BYTES", 1000)
    header = json.dumps({"schema": snapshot.SCHEMA, "cluster": "x" * 2000})
    (tmp_path / "file").write_bytes(gzip.compress(header.encode()))
    with pytest.raises(SourceError, match="larger than"):
        snapshot.read(tmp_path / "file")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        snapshot.read(tmp_path / "none")


def test_snapshots_of_every_released_version_are_read(checkout):
    """`v1.kguard.gz` was written by kguard 0.1.0 from the objects above."""
    found = snapshot.read(checkout / "tests" / "data" / "snapshots" / "v1.kguard.gz")
    kinds = sorted(manifest.object["kind"] for manifest in found.manifests)
    assert kinds == ["ConfigMap", "Namespace", "Service"]
    assert found.versions == {"kubernetes": "1.36.3"}
