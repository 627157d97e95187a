# SPDX-License-Identifier: Apache-2.0
"""Are the rules that come with Falco read as they are named, and nothing but them?"""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from kguard.errors import SourceError, UsageError
from kguard.model.manifests import Collected
from kguard.sources import falco_rules as module
from kguard.sources.falco_rules import LAYER, add_base_rules
from tests.unit.sources.registry.fake import FakeRegistry

RULES = "- list: a\n  items: [b]\n"


def archive(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname = len(data), kind, "/etc/passwd"
            made.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def registry():
    running = FakeRegistry()
    yield running
    running.close()


def publish(registry: FakeRegistry, blob: bytes, media_type: str = LAYER) -> str:
    digest = registry.put(blob)
    manifest = {"schemaVersion": 2, "layers": [{"mediaType": media_type, "digest": digest}]}
    registry.put(json.dumps(manifest).encode(), tag="5")
    return f"oci://{registry.name}/falcosecurity/rules/falco-rules:5"


def read(*names: str):
    into = Collected()
    add_base_rules(names, into)
    return into.base_rules


def test_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "falco_rules.yaml").write_text(RULES)
    (rules,) = read("falco_rules.yaml")
    assert (rules.name, rules.file, rules.content) == ("falco_rules.yaml",) * 2 + (RULES,)
    assert rules.id == "file:falco_rules.yaml"


def test_an_artifact(registry):
    blob = archive(("./falco_rules.yaml", RULES.encode()), ("README.md", b"no"))
    name = publish(registry, blob)
    (rules,) = read(name)
    assert (rules.name, rules.content) == ("falco_rules.yaml", RULES)
    assert rules.artifact == name.removesuffix(":5")
    assert rules.digest.startswith("sha256:")


def test_an_artifact_by_digest_is_proved(registry):
    name = publish(registry, archive(("falco_rules.yaml", RULES.encode())))
    wanted = registry.tags["5"]
    assert read(f"{name}@{wanted}")[0].content == RULES
    registry.content[wanted] = b"{}"
    with pytest.raises(SourceError, match="other bytes"):
        read(f"{name}@{wanted}")


def test_a_layer_with_other_bytes_is_refused(registry):
    name = publish(registry, archive(("falco_rules.yaml", RULES.encode())))
    manifest = json.loads(registry.content[registry.tags["5"]])
    registry.content[manifest["layers"][0]["digest"]] = archive(("falco_rules.yaml", b"- x"))
    with pytest.raises(SourceError, match="other bytes"):
        read(name)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"no archive", "no archive"),
        (archive(("falco_rules.yaml", b"x"))[:40], "no archive"),
        (archive(("README.md", b"x")), "no rules file"),
        (archive(("falco_rules.yaml", b""), kind=tarfile.SYMTYPE), "no rules file"),
        (archive(("falco_rules.yaml", b"\xff")), "not UTF-8"),
    ],
    ids=["text", "cut off", "other file", "link", "bytes"],
)
def test_broken_artifacts(registry, blob, message):
    with pytest.raises(SourceError, match=message):
        read(publish(registry, blob))


def test_a_path_that_leads_out_is_but_a_name(registry):
    name = publish(registry, archive(("../../etc/falco_rules.yaml", RULES.encode())))
    assert [rules.name for rules in read(name)] == ["falco_rules.yaml"]


@pytest.mark.parametrize("limit", ["MAX_RULES_BYTES", "MAX_MEMBERS"])
def test_an_artifact_that_is_too_large(registry, monkeypatch, limit):
    monkeypatch.setattr(module, limit, 1)
    blob = archive(("a.yaml", RULES.encode()), ("b.yaml", RULES.encode()))
    with pytest.raises(SourceError, match="too large"):
        read(publish(registry, blob))


def test_what_is_no_artifact_of_falco(registry):
    name = publish(registry, b"x", media_type="application/vnd.oci.image.layer.v1.tar+gzip")
    with pytest.raises(SourceError, match="no artifact with Falco rules"):
        read(name)
    with pytest.raises(SourceError, match="no such artifact"):
        read(name.removesuffix("5") + "6")


@pytest.mark.parametrize("name", ["oci://", "oci://nohost", "oci://h/UPPER:1", "oci://h/a:b:c"])
def test_names_that_are_no_reference(name):
    with pytest.raises(UsageError, match="no artifact"):
        read(name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read(str(tmp_path / "x.yaml"))
    (tmp_path / "x.yaml").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="not UTF-8"):
        read(str(tmp_path / "x.yaml"))
