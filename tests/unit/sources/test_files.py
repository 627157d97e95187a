# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import json
import os
from types import SimpleNamespace

import pytest

from kguard.sources import Options, collect
from kguard.sources import limits as source_limits
from kguard.sources.ignore import ignored, parse

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A function that writes files into the current folder, an empty one."""
    monkeypatch.chdir(tmp_path)

    def put(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return put


def names(collected):
    return [manifest.object["metadata"]["name"] for manifest in collected.manifests]


def places(collected):
    return [manifest.text.file for manifest in collected.manifests]


def test_folders_are_read_recursively_in_the_order_of_names(tree):
    tree({f"deploy/{n}.yaml": CONFIG_MAP % n.replace("/", "-") for n in ("b", "a/z", "c/d/e")})
    found = collect(["deploy/"])
    assert places(found) == ["deploy/a/z.yaml", "deploy/b.yaml", "deploy/c/d/e.yaml"]
    assert found.looked_at == 3


def test_current_folder_leaves_its_name_out(tree):
    tree({"a.yaml": CONFIG_MAP % "a", "b/c.yml": CONFIG_MAP % "c"})
    assert places(collect(["."])) == ["a.yaml", "b/c.yml"]


def test_absolute_inputs_are_shown_relative_where_possible(tree, tmp_path, monkeypatch):
    root = tree({"deploy/a.yaml": CONFIG_MAP % "a", "other/keep": ""})
    assert places(collect([str(root / "deploy")])) == ["deploy/a.yaml"]
    monkeypatch.chdir(root / "other")
    assert places(collect(["../deploy"])) == ["../deploy/a.yaml"]


def test_only_manifests_and_files_of_the_layers_are_opened(tree):
    tree({"a.txt": "x: [", "init.sh": "kubeadm init\n", "a.json": "{}", "c.toml": "x = 1\n"})
    found = collect(["."], Options(patterns=("*.sh",)))
    assert [plain.file for plain in found.files] == ["init.sh"]
    assert found.files[0].content == "kubeadm init\n"
    assert found.looked_at == 2
    assert not found.unreadable


def test_a_named_file_is_read_whatever_it_is_called(tree):
    tree({"manifest.tmpl": CONFIG_MAP % "a"})
    assert names(collect(["manifest.tmpl"])) == ["a"]


def test_a_file_named_twice_is_read_once(tree):
    tree({"deploy/a.yaml": CONFIG_MAP % "a"})
    assert len(collect(["deploy", "deploy/a.yaml", "./deploy"]).manifests) == 1


def test_globs(tree):
    tree({f"{n}/{n}.yaml": CONFIG_MAP % n for n in ("a", "b")})
    assert names(collect(["**/a*.yaml"])) == ["a"]
    assert collect(["**/z*.yaml"]).unreadable[0].reason == "no file matches"


def test_a_missing_input_is_named_and_the_rest_goes_on(tree):
    tree({"a.yaml": CONFIG_MAP % "a"})
    found = collect(["nope.yaml", "a.yaml"])
    assert names(found) == ["a"]
    assert found.unreadable[0].source == "nope.yaml"
    assert found.unreadable[0].reason == "no such file or folder"


def test_a_broken_document_is_named_with_its_place_and_the_others_are_read(tree):
    tree({"a.yaml": CONFIG_MAP % "a" + "---\nkind: X\n\tbad: 1\n---\n" + CONFIG_MAP % "b"})
    found = collect(["a.yaml"])
    assert names(found) == ["a", "b"]
    (broken,) = found.unreadable
    assert (broken.source, broken.line) == ("a.yaml", 6)
    assert broken.column > 0
    assert broken.reason


def test_a_template_is_not_evaluated_rather_than_unreadable(tree):
    tree({"t.yaml": "kind: {{ .Values.kind }}\nx: {{- if a }}\n"})
    found = collect(["."])
    assert not found.unreadable
    assert found.not_evaluated[0].source == "t.yaml:2"
    assert "template" in found.not_evaluated[0].reason


def test_braces_in_a_readable_document_are_no_template(tree):
    tree({"a.yaml": CONFIG_MAP % "a" + "data: {alert: '{{ $labels.pod }}'}\n"})
    found = collect(["."])
    assert names(found) == ["a"]
    assert not found.not_evaluated


def test_lists_are_taken_apart_with_pointers(tree):
    items = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": n}} for n in "ab"]
    tree({"l.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": items})})
    found = collect(["l.json"])
    assert names(found) == ["a", "b"]
    assert [manifest.pointer for manifest in found.manifests] == ["/items/0", "/items/1"]


def test_a_list_with_junk_is_refused_whole_as_by_kubectl(tree):
    tree({"l.yaml": "apiVersion: v1\nkind: List\nitems:\n- 1\n- kind: Pod\n  apiVersion: v1\n"})
    found = collect(["l.yaml"])
    assert found.manifests == []
    assert found.unreadable[0].line == 4


def test_yaml_that_is_no_object_is_kept_as_a_document(tree):
    tree({"falco.yaml": "json_output: true\n", "rules.yaml": "- macro: m\n  condition: a=b\n"})
    found = collect(["."])
    assert [document.id for document in found.documents] == ["file:falco.yaml", "file:rules.yaml"]
    assert not found.manifests


def test_ambiguous_documents_are_kept_with_their_traps(tree):
    tree({"a.yaml": CONFIG_MAP % "a" + "data: {x: '1'}\ndata: {x: '2'}\n"})
    (entry,) = collect(["a.yaml"]).ambiguous
    assert [ambiguity.trap for ambiguity in entry.ambiguities] == ["duplicate-key"]


def test_symbolic_links_out_of_the_tree_are_refused(tree):
    root = tree({"in/a.yaml": CONFIG_MAP % "a", "out/b.yaml": CONFIG_MAP % "b"})
    (root / "in/link.yaml").symlink_to(root / "out/b.yaml")
    (root / "in/folder").symlink_to(root / "out")
    (root / "in/inside.yaml").symlink_to("a.yaml")
    (root / "in/loop.yaml").symlink_to("loop.yaml")
    (root / "in/notes.txt").symlink_to("/etc/passwd")
    found = collect(["in"])
    assert names(found) == ["a"]
    refused = [entry.source for entry in found.unreadable]
    assert refused == ["in/folder", "in/link.yaml", "in/loop.yaml"]


def test_special_files_do_not_hang(tree):
    root = tree({"a.yaml": CONFIG_MAP % "a"})
    os.mkfifo(root / "pipe.yaml")
    found = collect(["."])
    assert found.unreadable[0].source == "pipe.yaml"


def test_too_large_files_are_refused(tree, monkeypatch):
    monkeypatch.setattr("kguard.sources.reading.MAX_FILE_BYTES", 1 << 20)
    tree({"a.yaml": "#" * (1 << 20) + "\n", "b.yaml": CONFIG_MAP % "b"})
    found = collect(["."])
    assert names(found) == ["b"]
    assert found.unreadable[0].reason == "the file is larger than 1 MiB"


def test_too_many_files_are_refused(tree, monkeypatch):
    monkeypatch.setattr("kguard.sources.files.MAX_FILES", 2)
    tree({f"{n}.yaml": CONFIG_MAP % n for n in "abc"})
    assert collect(["."]).unreadable[0].reason == "more than 2 files"


def test_limits_are_those_of_the_design():
    assert source_limits.MAX_FILE_BYTES == 64 << 20


def test_ignore_files_are_honoured(tree):
    tree(
        {
            ".gitignore": "build/\n*.tmp.yaml\n",
            "a.yaml": CONFIG_MAP % "a",
            "a.tmp.yaml": CONFIG_MAP % "tmp",
            "build/b.yaml": CONFIG_MAP % "b",
            "sub/.kguardignore": "/c.yaml\n",
            "sub/c.yaml": CONFIG_MAP % "c",
            "sub/deep/c.yaml": CONFIG_MAP % "deep",
            ".git/d.yaml": CONFIG_MAP % "d",
        }
    )
    assert names(collect(["."])) == ["a", "deep"]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("*.log", "a/b.log", True),
        ("*.log\n!b.log", "a/b.log", False),
        ("/a", "a", True),
        ("/a", "b/a", False),
        ("a/b", "x/a/b", False),
        ("**/b", "x/a/b", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[a-c].yaml", "b.yaml", True),
        ("\\#x", "#x", True),
        ("# x", "# x", False),
        ("x  ", "x", True),
        ("folder/", "folder", False),
        ("[", "[", True),
        ("[]]", "]", True),
    ],
)
def test_patterns_as_git_reads_them(text, path, expected):
    assert ignored(path, parse(text, ""), is_folder=False) is expected


def test_include_and_exclude(tree):
    tree({f"{f}/{n}.yaml": CONFIG_MAP % f"{f}-{n}" for f in ("dev", "prod") for n in "ab"})
    assert names(collect(["."], Options(exclude=("dev",)))) == ["prod-a", "prod-b"]
    assert names(collect(["."], Options(include=("prod/*", "dev/a.yaml")))) == [
        "dev-a",
        "prod-a",
        "prod-b",
    ]
    assert names(collect(["."], Options(include=("**/b.yaml",), exclude=("dev/**",)))) == ["prod-b"]


def test_stdin(monkeypatch):
    data = (CONFIG_MAP % "a" + "---\n" + CONFIG_MAP % "b").encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    found = collect(["-"])
    assert names(found) == ["a", "b"]
    assert places(found) == ["-", "-"]
    assert [manifest.text.line for manifest in found.manifests] == [1, 5]
