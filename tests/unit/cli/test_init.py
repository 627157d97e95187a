# SPDX-License-Identifier: Apache-2.0
"""Does `kguard init` write settings that fit, and that kguard reads?"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kguard import config
from kguard.cli.init import command
from kguard.errors import KguardError, SourceError, UsageError

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n"
KUBEADM = (
    "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.0\n"
)
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    """Settings for a repository of these files, as kguard reads them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def fit(files, *words):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        result = CliRunner().invoke(command, [*words], standalone_mode=False)
        if isinstance(result.exception, KguardError):
            raise result.exception
        return config.read(
            tmp_path / words[0] / "kguard.yaml" if words else tmp_path / "kguard.yaml"
        )

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


def test_nothing_is_overwritten(fitted):
    with pytest.raises(UsageError, match="there is one already"):
        fitted({"a.yaml": POD, "kguard.yaml": "scope: app\n"})


def test_a_folder_without_manifests_is_refused(fitted):
    with pytest.raises(SourceError, match="no manifest found"):
        fitted({"a.txt": "x"})
