# SPDX-License-Identifier: Apache-2.0
"""Is a revision read like a folder, once, whatever it is called?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kguard import sources
from kguard.errors import SourceError
from kguard.sources import git
from kguard.sources.reading import Known

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
TRAPS = "a: &x [1]\n---\nb: [\n---\n{{ template }}\n---\nkind: List\napiVersion: v1\nitems: []\n"


def run(*arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two commits on `main` after the one where `change` branched off."""
    monkeypatch.chdir(tmp_path)
    run("init", "-q", "-b", "main")
    for name in ("old", "later", "latest"):
        (tmp_path / "a.yaml").write_text(OBJECT % name)
        run("add", "-A")
        run("commit", "-q", "-m", name)
    run("checkout", "-q", "-b", "change", "main~2")
    (tmp_path / "b.yaml").write_text(OBJECT % "new" + "---\n" + OBJECT % "newer")
    run("add", "-A")
    run("commit", "-q", "-m", "change")
    return tmp_path


def names(*inputs: str, **options) -> list[str]:
    found = sources.collect(inputs, sources.Options(**options))
    return sorted(manifest.object["metadata"]["name"] for manifest in found.manifests)


def test_three_dots_are_where_the_change_began(repository):
    assert names("rev:main") == ["latest"]
    assert names("rev:main...HEAD") == ["old"]
    assert git.resolve("rev:main...") == git.resolve("rev:change~1")


def test_branches_without_a_common_commit_are_an_error(repository):
    run("checkout", "-q", "--orphan", "alone")
    run("commit", "-q", "-m", "alone")
    with pytest.raises(SourceError, match="no common commit") as caught:
        git.resolve("rev:main...alone")
    assert "fetch-depth: 0" in caught.value.hint


def test_a_revision_is_written_out_once(repository, tmp_path_factory):
    first, second = (tmp_path_factory.mktemp("tree") for _ in range(2))
    assert git.check_out("rev:main", first).folder == git.check_out("rev:main~0", second).folder
    assert not list(second.iterdir())
    assert git.check_out("rev:change", second).folder == second
    assert sorted(path.name for path in second.iterdir()) == ["a.yaml", "b.yaml"]


def test_what_is_parsed_once_is_found_by_each_reader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(OBJECT % "one" + "---\n" + TRAPS)
    plain, known = sources.collect(["."]), Known()
    first, second = (sources.collect(["."], sources.Options(known=known)) for _ in range(2))
    assert plain == first == second
    assert first.manifests[0].object is second.manifests[0].object
    first.manifests[0].text.overlay = True
    first.manifests[0].id = "mine"
    assert second == plain
    Path("a.yaml").write_text(OBJECT % "two")
    assert names(".", known=known) == ["two"]
