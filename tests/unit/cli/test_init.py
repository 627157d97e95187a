# SPDX-License-Identifier: Apache-2.0
"""Does `kguard init` write settings that fit, and that kguard reads?"""

from __future__ import annotations

import json
import shlex

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from kguard import config
from kguard.cli import scan
from kguard.cli.init import command
from kguard.errors import SourceError, UsageError

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n"
KUBEADM = (
    "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.0\n"
)
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


OPEN = """apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: a, image: "registry.example.com/a:1", ports: [{containerPort: 80}]}]}
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """``repository(files)`` writes files into the working directory and returns it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


def run(*words, of=command):
    result = CliRunner().invoke(of, [*words], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def fitted(repository):
    """Settings for a repository of these files, as kguard reads them."""

    def fit(files, *words):
        folder = repository(files)
        run(*words)
        return config.read(folder.joinpath(*words, "kguard.yaml"))

    return fit


def test_folders_with_manifests_are_the_inputs(fitted):
    found = fitted({"deploy/a.yaml": POD, "infra/x/b.yaml": POD, "docs/notes.yaml": "a: 1\n"})
    assert (found.inputs, found.scope, found.fail_on) == (("deploy", "infra"), "app", "high")
    assert found.helm == ()


def test_manifests_in_the_folder_itself_are_read_there(fitted):
    assert fitted({"a.yaml": POD, "deploy/b.yaml": POD}).inputs == (".",)
    assert fitted({"sub/deploy/b.yaml": POD}, "sub").inputs == ("deploy",)


def test_an_api_server_makes_it_a_whole_cluster(fitted):
    found = fitted({"cluster/kubeadm.yaml": KUBEADM, "apps/a.yaml": POD})
    assert (found.inputs, found.scope) == (("apps", "cluster"), "cluster")


def test_settings_for_some_layers_get_a_baseline_of_these(repository):
    folder = repository(
        {"a.yaml": POD, "kguard.yaml": "layers: [network]\nbaseline: kguard-baseline.json\n"}
    )
    said = run("--ci", "none").stdout
    assert (folder / "kguard-baseline.json").exists()
    assert "  network    1 of 1 workloads" in said
    assert "mtls" not in said


def test_charts_get_a_release_for_each_environment(fitted):
    files = {"Chart.yaml": CHART, "values-prod.yaml": "a: 1\n", "values.test.yaml": "a: 2\n"}
    found = fitted({f"charts/web/{name}": text for name, text in files.items()})
    assert found.inputs == ("charts",)
    assert [(r.chart, r.name, r.namespace, r.values) for r in found.helm] == [
        ("charts/web", "web", "prod", ("charts/web/values-prod.yaml",)),
        ("charts/web", "web", "test", ("charts/web/values.test.yaml",)),
    ]


def test_names_of_folders_stay_names(fitted):
    assert fitted({'a"b: [/x.yaml': POD}).inputs == ('a"b: [',)


def test_what_is_there_already_stays(repository):
    folder = repository({"deploy/a.yaml": OPEN, "kguard.yaml": "scope: cluster\n"})
    said = run("--ci", "gitlab").output
    assert (folder / "kguard.yaml").read_text() == "scope: cluster\n"
    assert "kguard.yaml                  is there already, and stays" in said
    assert (folder / ".gitlab-ci.yml").exists()
    assert not (folder / "kguard-baseline.json").exists()
    with pytest.raises(UsageError, match="there is one already"):
        run("-o", "kguard.yaml")


def test_a_second_run_changes_nothing(repository):
    folder = repository({"deploy/a.yaml": OPEN, ".github/x": ""})
    run()
    before = files_of(folder)
    run()
    assert files_of(folder) == before
    assert {*before} == {
        "deploy/a.yaml",
        ".github/x",
        ".github/workflows/kguard.yml",
        "kguard.yaml",
        "kguard.schema.json",
        "kguard-baseline.json",
    }


def test_a_dry_run_writes_nothing_and_says_the_same(repository):
    folder = repository({"deploy/a.yaml": OPEN, ".github/x": ""})
    before = files_of(folder)
    said = run("--dry-run").output
    assert files_of(folder) == before
    assert run().output == said.replace("would be written", "written")


def test_afterwards_only_new_findings_fail(repository):
    folder = repository({"deploy/a.yaml": OPEN.replace("NAME", "a")})
    run()
    assert run("-q", "-o", "json", of=scan.command).return_value == 0
    (folder / "deploy" / "b.yaml").write_text(OPEN.replace("NAME", "b"))
    assert run("-q", "-o", "json", of=scan.command).return_value == 1


def test_the_settings_are_what_their_schema_says(repository):
    folder = repository({"deploy/a.yaml": POD, "charts/web/Chart.yaml": CHART})
    run()
    text = (folder / "kguard.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=kguard.schema.json\n")
    schema = json.loads((folder / "kguard.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(text), schema)


@pytest.mark.parametrize(
    ("files", "words", "written", "said"),
    [
        ({".github/dependabot.yml": ""}, (), ".github/workflows/kguard.yml", "in place of OWNER"),
        ({".gitlab-ci.yml": "a: {}\n"}, (), ".gitlab/kguard.yml", "include: [{local: .gitlab/"),
        ({".git/config": 'url = "https://gitlab.com/a/b"'}, (), ".gitlab-ci.yml", "is gitlab"),
        ({"Jenkinsfile": ""}, (), "", "add a step: `kguard scan deploy --fail-on-new"),
        ({"azure-pipelines.yml": ""}, (), "", "add a step: `kguard scan deploy --fail-on-new"),
        ({}, (), "", "for a pipeline: `kguard init --ci github`"),
        ({}, ("--ci", "github"), ".github/workflows/kguard.yml", "in place of OWNER"),
        ({".github/x": ""}, ("--ci", "none"), "", "none is wanted"),
    ],
)
def test_the_pipeline_is_the_one_that_is_there(repository, files, words, written, said):
    folder = repository({"deploy/a.yaml": POD, **files})
    before = files_of(folder)
    output = run(*words).output
    new = {*files_of(folder)} - {*before} - {"kguard.yaml", "kguard.schema.json"}
    assert new - {"kguard-baseline.json"} == ({written} if written else set())
    assert said in output


def test_a_pipeline_begins_at_the_top_of_the_repository(repository):
    folder = repository({".git/HEAD": "", ".github/x": "", "clusters/prod/deploy/a.yaml": POD})
    run("clusters/prod")
    workflow = yaml.safe_load((folder / ".github/workflows/kguard.yml").read_text())
    assert workflow["jobs"]["kguard"]["steps"][-1]["with"]["paths"] == "clusters/prod/deploy\n"


def test_folders_that_look_like_tests_are_named(repository):
    folder = repository({"deploy/a.yaml": POD, "deploy/tests/x/b.yaml": POD.replace("p}", "q}")})
    assert "tests?     deploy/tests" in run().output
    assert '# exclude: ["deploy/tests/**"]' in (folder / "kguard.yaml").read_text()


def test_a_folder_without_manifests_is_refused(repository):
    repository({"a.txt": "x"})
    with pytest.raises(SourceError, match="no manifest found"):
        run()


@pytest.mark.parametrize("chosen", ["gitlab", "jenkins"])
def test_a_folder_in_a_pipeline_is_a_word_and_no_command(repository, chosen):
    name = "a$(touch x) 'b'"
    folder = repository({f"{name}/a.yaml": POD})
    said = run("--ci", chosen).output
    file = folder / ".gitlab-ci.yml"
    if file.exists():
        (said,) = yaml.safe_load(file.read_text())["kguard"]["script"]
    assert shlex.quote(name) in said
