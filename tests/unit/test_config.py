# SPDX-License-Identifier: Apache-2.0
"""Is kguard.yaml found, read and checked?"""

from __future__ import annotations

import pytest

from kguard.cli.schemas import schema
from kguard.config import Config, discover, read
from kguard.errors import ConfigError


def _write(folder, text):
    path = folder / "kguard.yaml"
    path.write_text(text)
    return path


def test_settings_are_read(tmp_path):
    path = _write(
        tmp_path,
        "scope: cluster\ncluster: {kubernetes: '1.35', root-namespace: mesh}\n"
        "policies: {network/default-deny: {severity: low, params: {x: 1}}}\n",
    )
    config = read(path)
    assert config.scope == "cluster"
    assert config.cluster.root_namespace == "mesh"
    assert config.policies["network/default-deny"].severity == "low"
    assert config.path("waivers.yaml") == str(tmp_path / "waivers.yaml")


def test_an_empty_file_is_no_settings(tmp_path):
    assert read(_write(tmp_path, "")).cluster == Config().cluster


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("scope: app\nclustr: {}\n", ":2:1", "did you mean cluster?"),
        ("cluster:\n  kubernets: '1.30'\n", ":2:3", "did you mean kubernetes?"),
        ("folder: /etc\n", ":1:1", ""),
        ("scope: galaxy\n", ":1:1", "`kguard schema config` prints the schema"),
        ("helm:\n- {chart: a, nam: b}\n", ":2:14", "did you mean name?"),
        ("falco:\n  versions: []\n", ":2:3", "known here: rules"),
        ("policies:\n  a/b: {fail-on: low}\n", ":1:1", "known here: enabled, params, severity"),
        (
            "trust:\n  notation: [{cert: a}]\n",
            ":2:15",
            "known here: certificates, images, subjects",
        ),
        ("helm:\n- chart: 5\n", ":2:3", "`kguard schema config` prints the schema"),
        ("- a\n", ":1:1", "`kguard schema config` prints the schema"),
        ("a: [\n", ":2:1", "a bracket or quote before this place may be left open"),
    ],
)
def test_mistakes_are_one_sentence_with_a_place(tmp_path, text, where, hint):
    path = _write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.where == f"{path}{where}"
    assert caught.value.hint == hint
    assert caught.value.exit_code == 2


def test_every_setting_is_described_for_editors():
    definitions = schema("config")["$defs"]
    settings = [
        (block, name, setting)
        for block, definition in definitions.items()
        for name, setting in definition["properties"].items()
    ]
    assert len(settings) > 80
    assert [(b, n) for b, n, setting in settings if not setting.get("description")] == []
    assert not {"folder", "tree"} & definitions["Config"]["properties"].keys()


def test_discovery_stops_at_the_git_root(tmp_path):
    outer = _write(tmp_path, "")
    inner = tmp_path / "repo" / "deploy"
    inner.mkdir(parents=True)
    assert discover(inner) == outer
    (tmp_path / "repo" / ".git").mkdir()
    assert discover(inner) is None
    own = _write(tmp_path / "repo", "")
    assert discover(inner) == own
    assert discover(inner / "web.yaml") == own
