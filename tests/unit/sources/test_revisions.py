# SPDX-License-Identifier: Apache-2.0
"""Is a revision read like a folder, once, whatever it is called?"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from kguard import sources
from kguard.errors import SourceError
from kguard.sources import git
from kguard.sources.reading import Known
from tests import repositories

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
TRAPS = "a: &x [1]\n---\nb: [\n---\n{{ template }}\n---\nkind: List\napiVersion: v1\nitems: []\n"


run = partial(repositories.git, ".")


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
    main, same, change = map(git.tree, ("rev:main", "rev:main~0", "rev:change"))
    assert git.check_out(main, first) == git.check_out(same, second) == first
    assert not list(second.iterdir())
    assert git.check_out(change, second) == second
    assert sorted(path.name for path in second.iterdir()) == ["a.yaml", "b.yaml"]


def _commit_all() -> None:
    run("add", "-A", "-f")
    run("commit", "-q", "-m", "more")


TREE = {
    "a.yaml": OBJECT % "one" + "---\n" + TRAPS,
    "a/b.yaml": OBJECT % "two",
    "a/deep/c.yml": OBJECT % "three",
    "a/deep/.kguardignore": "left*.yaml\n",
    "a/deep/left-out.yaml": OBJECT % "four",
    "a.d/e.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "five"}}',
    ".gitignore": "/gone/\n*.tmp.yaml\n",
    "gone/f.yaml": OBJECT % "six",
    "x.tmp.yaml": OBJECT % "seven",
    "notes.txt": OBJECT % "eight",
    "config.toml": "version = 2\n",
    "nul.toml": "\0",
    "large.toml": "#" * ((1 << 20) + 1),
}


@pytest.mark.parametrize("renderer", [False, True], ids=["read by git", "written out"])
@pytest.mark.parametrize("name", ["", "a", "a/deep", "a.yaml", "a/*.yaml", "a*", "*.toml", "none"])
def test_a_revision_is_read_like_the_folder(repository, name, renderer):
    for path, text in TREE.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    if renderer:
        for folder in ("", "a"):
            (repository / folder / "Kustomization").write_text("resources: []\n")
    _commit_all()
    options = sources.Options(patterns=("*.toml",))
    there = sources.collect([name or "."], options)
    then = sources.collect([f"rev:HEAD:{name}" if name else "rev:HEAD"], options)
    assert (then.manifests, then.documents, then.files) == (
        there.manifests,
        there.documents,
        there.files,
    )
    assert then.looked_at == there.looked_at
    assert then.not_evaluated == there.not_evaluated
    assert bool(then.unreadable) == bool(there.unreadable)
    if name != "none" and "*" not in name:
        assert then.unreadable == there.unreadable
        assert then.looked_at


def test_a_file_that_did_not_change_is_not_asked_for(repository, monkeypatch):
    known, asked = Known(), []
    before = names(".", known=known)
    contents = git.contents
    monkeypatch.setattr(git, "contents", lambda blobs: asked.extend(blobs) or contents(blobs))
    assert names("rev:HEAD", known=known) == before
    assert not asked
    assert names("rev:main", known=known) == ["latest"]
    assert [blob.path for blob in asked] == ["a.yaml"]


def test_what_a_partial_clone_lacks_is_an_error(repository, tmp_path_factory, monkeypatch):
    run("config", "uploadpack.allowFilter", "true")
    clone = tmp_path_factory.mktemp("clone")
    run("clone", "-q", "--filter=blob:none", repository.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    with pytest.raises(git.LackingError) as caught:
        sources.collect(["rev:origin/main"])
    assert "--filter" in caught.value.hint


def test_a_blob_that_is_lost_is_an_error(repository):
    found = git.tree("rev:main")
    digest = found.blobs["a.yaml"].digest
    (repository / ".git" / "objects" / digest[:2] / digest[2:]).unlink()
    with pytest.raises(git.LackingError, match=r"a\.yaml: git cannot read the file"):
        sources.collect(["rev:main"])


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
