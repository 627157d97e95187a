# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kguard.sources import Options, Release, collect
from kguard.sources.processes import run
from tests.repositories import git

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A function that writes files into the current folder; no renderer is on PATH."""
    folder = tmp_path / "work"
    (tmp_path / "bin").mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def put(files):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return put


def program(tmp_path, name, body):
    """Puts a program of that name on the PATH of the test."""
    path = tmp_path / "bin" / name
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def names(collected):
    return [manifest.object["metadata"]["name"] for manifest in collected.manifests]


def test_a_kustomization_that_only_lists_resources_needs_no_renderer(tree):
    tree(
        {
            "kustomization.yaml": "kind: Kustomization\nresources:\n- b.yaml\n- base\n",
            "b.yaml": CONFIG_MAP % "b",
            "base/kustomization.yml": "resources: [a.yaml]\n",
            "base/a.yaml": CONFIG_MAP % "a",
            "loose.yaml": CONFIG_MAP % "loose",
        }
    )
    found = collect(["."])
    assert names(found) == ["b", "a", "loose"]
    assert [m.text.file for m in found.manifests] == ["b.yaml", "base/a.yaml", "loose.yaml"]
    assert [m.text.apply_set for m in found.manifests] == [".", ".", ""]
    assert found.manifests[0].text.profile == "kustomize"
    assert not found.not_evaluated


def test_a_kustomization_that_changes_objects_is_rendered_once(tree, tmp_path):
    tree(
        {
            "over/kustomization.yaml": "namePrefix: x-\nresources: [../base]\n",
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "base/a.yaml": CONFIG_MAP % "a",
        }
    )
    body = f"print({CONFIG_MAP % 'x-a'!r}); assert sys.argv[1] == 'build', sys.argv"
    program(tmp_path, "kustomize", body)
    found = collect(["."])
    assert names(found) == ["x-a"]
    (manifest,) = found.manifests
    assert manifest.text.rendered_by == "kustomize"
    assert manifest.text.file == "over/kustomization.yaml"


def test_without_a_renderer_a_kustomization_is_not_evaluated(tree):
    tree(
        {"kustomization.yaml": "namePrefix: x-\nresources: [a.yaml]\n", "a.yaml": CONFIG_MAP % "a"}
    )
    found = collect(["."])
    assert not found.manifests
    assert found.not_evaluated[0].source == "."
    assert "neither kustomize nor kubectl" in found.not_evaluated[0].reason
    assert "never" in collect(["."], Options(render="never")).not_evaluated[0].reason


@pytest.mark.parametrize(
    "remote",
    [
        "https://example.com/base?ref=v1",
        "github.com/example/base",
        "git@github.com:example/base.git",
        "ssh://git@example.com/base",
    ],
)
def test_remote_bases_are_never_fetched(tree, tmp_path, remote):
    program(tmp_path, "kustomize", "raise SystemExit('must not run')")
    tree({"kustomization.yaml": f"resources:\n- {remote}\n"})
    found = collect(["."])
    assert found.not_evaluated[0].reason == f"a kustomization: it would fetch {remote}"
    assert not found.unreadable


def test_a_remote_base_of_a_base_counts(tree):
    tree(
        {
            "over/kustomization.yaml": "namePrefix: x-\nresources: [../base]\n",
            "base/kustomization.yaml": "resources: ['https://example.com/x']\n",
        }
    )
    assert "would fetch" in collect(["."]).not_evaluated[0].reason


def test_a_component_that_nothing_uses_is_not_evaluated(tree):
    tree({"c/kustomization.yaml": "kind: Component\nresources: [a.yaml]\n", "c/a.yaml": "x: 1\n"})
    found = collect(["."])
    assert "component" in found.not_evaluated[0].reason
    assert not found.documents


def test_patches_and_generated_files_are_not_read_raw(tree, tmp_path):
    program(tmp_path, "kubectl", "print()")
    tree(
        {
            "kustomization.yaml": (
                "resources: [a.yaml]\npatches: [{path: p.yaml}]\npatchesStrategicMerge: [s.yaml]\n"
                "configMapGenerator: [{name: c, files: [k=c.yaml], envs: [e.yaml]}]\n"
            ),
            **{f"{n}.yaml": CONFIG_MAP % n for n in "apsce"},
            "loose.yaml": CONFIG_MAP % "loose",
        }
    )
    assert names(collect(["."])) == ["loose"]


def test_a_broken_kustomization_is_unreadable(tree, tmp_path):
    program(tmp_path, "kustomize", "sys.exit('accumulating resources: nope')")
    tree({"kustomization.yaml": "namePrefix: x-\nresources: [nope.yaml]\n"})
    (entry,) = collect(["."]).unreadable
    assert entry.source == "kustomization.yaml"
    assert "accumulating resources: nope" in entry.reason


def test_cycles_of_kustomizations_end(tree):
    tree(
        {
            "root/kustomization.yaml": "resources: [../a]\n",
            "a/kustomization.yaml": "resources: [../b]\n",
            "b/kustomization.yaml": "resources: [../a]\n",
        }
    )
    assert collect(["."]).not_evaluated


def test_charts_are_rendered_and_not_read_raw(tree, tmp_path):
    tree(
        {
            "web/Chart.yaml": CHART,
            "web/values.yaml": "image: x\n",
            "web/templates/a.yaml": "kind: {{ .Values.x }}\n",
            "web/charts/sub/Chart.yaml": "name: sub\n",
            "web/charts/sub/templates/b.yaml": "{{ x }}\n",
            "loose.yaml": CONFIG_MAP % "loose",
        }
    )
    output = "---\n# Source: web/templates/a.yaml\n" + CONFIG_MAP % "rendered"
    program(tmp_path, "helm", f"print({output!r}); print(sys.argv, os.environ, file=sys.stderr)")
    found = collect(["."], Options(namespace="prod"))
    assert names(found) == ["rendered", "loose"]
    manifest = found.manifests[0]
    assert manifest.text.file == "web/templates/a.yaml"
    assert manifest.text.rendered_by == "helm"
    assert manifest.text.namespace == "prod"
    assert not found.not_evaluated


def test_releases_of_the_configuration_decide_how_a_chart_is_rendered(tree, tmp_path):
    tree({"web/Chart.yaml": CHART, "prod.yaml": "a: 1\n"})
    body = (
        "a = sys.argv[1:]\n"
        "print(json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap',"
        " 'metadata': {'name': a[1]}, 'data': {'a': ' '.join(a)}}))"
    )
    program(tmp_path, "helm", body)
    releases = (
        Release("web", "blue", "prod", ("prod.yaml",), {"x": "1"}, "1.36"),
        Release("web", "green", "test"),
    )
    found = collect(["web"], Options(releases=releases))
    assert names(found) == ["blue", "green"]
    command = found.manifests[0].object["data"]["a"]
    assert "--namespace prod" in command
    assert "--set x=1" in command
    assert "--kube-version 1.36" in command
    assert command.count("--values") == 1
    assert found.manifests[0].text.apply_set != found.manifests[1].text.apply_set


def test_charts_are_never_silently_skipped(tree):
    tree(
        {
            "a/Chart.yaml": CHART,
            "b/Chart.yaml": CHART + "dependencies: [{name: redis, repository: 'https://x'}]\n",
            "lib/Chart.yaml": CHART + "type: library\n",
        }
    )
    found = collect(["."])
    reasons = {entry.source: entry.reason for entry in found.not_evaluated}
    assert reasons == {
        "a": "a Helm chart: helm was not found on PATH",
        "b": "a Helm chart: it would fetch its subchart redis",
    }


def test_a_renderer_sees_nothing_of_the_user_s_environment(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("KUBECONFIG", "x")
    tree({"web/Chart.yaml": CHART})
    body = (
        "print(json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'n'},"
        " 'data': dict(os.environ)}))"
    )
    program(tmp_path, "helm", body)
    seen = collect(["web"]).manifests[0].object["data"]
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert "KUBECONFIG" not in seen
    assert seen["HELM_PLUGINS"] != os.environ.get("HELM_PLUGINS")
    assert not Path(seen["HOME"]).exists()


def test_a_program_that_does_not_end_is_ended(tmp_path):
    started = time.monotonic()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    outcome = run(command, folder=tmp_path, seconds=0.3, limit=100)
    assert outcome.error == "no end after 0.3 seconds"
    assert time.monotonic() - started < 10


def test_a_program_that_says_too_much_is_ended(tmp_path):
    command = [sys.executable, "-c", "while True: print('x' * 1000)"]
    outcome = run(command, folder=tmp_path, seconds=10, limit=1 << 20)
    assert outcome.error == "more than 1 MiB of output"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/a.yaml").write_text(CONFIG_MAP % "old")
    (tmp_path / "deploy/link.yaml").symlink_to("/etc/passwd")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "deploy/a.yaml").write_text(CONFIG_MAP % "new")
    (tmp_path / "b.yaml").write_text(CONFIG_MAP % "b")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")
    return tmp_path


def test_a_revision_is_read_like_a_folder(repository):
    (repository / "deploy/a.yaml").write_text("broken: [")
    assert names(collect(["rev:HEAD"])) == ["b", "new"]
    found = collect(["rev:HEAD~1"])
    assert names(found) == ["old"]
    assert found.manifests[0].text.file == "deploy/a.yaml"
    assert names(collect(["rev:main:deploy"])) == ["new"]
    assert names(collect(["rev:main:deploy/a.yaml"])) == ["new"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rev:nope", "git knows no revision 'nope'"),
        ("rev:--all", "git knows no revision '--all'"),
        ("rev:HEAD:nope", "the revision has no folder nope"),
    ],
)
def test_a_revision_that_does_not_exist(repository, text, reason):
    (entry,) = collect([text]).unreadable
    assert entry.reason == reason


def test_a_hostile_configuration_of_the_repository_runs_nothing(repository):
    marker = repository / "ran"
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"):
        git(repository, "config", key, f"touch {marker}")
    assert names(collect(["rev:HEAD"])) == ["b", "new"]
    assert not marker.exists()


def test_native_reading_agrees_with_kubectl(tmp_path, testbed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(CONFIG_MAP % name)
    (tmp_path / "kustomization.yaml").write_text("resources: [b.yaml, a.yaml]\n")
    kubectl = testbed("kubectl")
    rendered = subprocess.run(
        [kubectl, "kustomize", "."], capture_output=True, check=True, timeout=60
    ).stdout
    (tmp_path / "out").mkdir()
    (tmp_path / "out/all.yaml").write_bytes(rendered)
    native = [
        json.dumps(m.object, sort_keys=True)
        for m in collect(["."], Options(exclude=("out",))).manifests
    ]
    expected = [json.dumps(m.object, sort_keys=True) for m in collect(["out/all.yaml"]).manifests]
    assert sorted(native) == sorted(expected)


@pytest.mark.parametrize(
    ("said", "version"),
    [("v5.4.2", "5.4.2"), ("{Version:kustomize/v4.5.7 x}", "4.5.7"), ("dev", "unknown")],
)
def test_the_version_of_the_renderer_is_recorded(tree, tmp_path, said, version):
    tree(
        {"kustomization.yaml": "namePrefix: x-\nresources: [a.yaml]\n", "a.yaml": CONFIG_MAP % "a"}
    )
    body = f"print({said!r} if sys.argv[1] == 'version' else {CONFIG_MAP % 'x-a'!r})"
    program(tmp_path, "kustomize", body)
    assert collect(["."]).renderers == {"kustomize": version}


def test_a_renderer_that_does_not_say_its_version_renders_all_the_same(tree, tmp_path):
    tree({"web/Chart.yaml": CHART, "web/templates/a.yaml": "{{ x }}"})
    body = f"sys.exit(1) if sys.argv[1] == 'version' else print({CONFIG_MAP % 'web'!r})"
    program(tmp_path, "helm", body)
    found = collect(["."])
    assert (names(found), found.renderers) == (["web"], {"helm": "unknown"})


def test_nothing_rendered_is_nothing_recorded(tree):
    tree({"a.yaml": CONFIG_MAP % "a"})
    assert collect(["."]).renderers == {}
