# SPDX-License-Identifier: Apache-2.0
"""Do real helm and kubectl render what the sources expect of them?"""

from __future__ import annotations

import json
import re

import pytest

from kguard.cli.manifests import rows
from kguard.sources import Options, Release, collect

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
      - name: web
        image: {{ .Values.image | quote }}
"""
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tests.example.com}
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The current folder, with a function that writes files into it."""
    monkeypatch.chdir(tmp_path)

    def put(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return put


@pytest.fixture
def on_path(testbed, monkeypatch):
    """Puts a program of the testbed on PATH, alone."""

    def put(name):
        monkeypatch.setenv("PATH", str(testbed(name).parent))

    return put


def test_helm_renders_each_release_with_its_values(work, on_path):
    on_path("helm")
    work(
        {
            "charts/web/Chart.yaml": CHART,
            "charts/web/values.yaml": "replicas: 1\nimage: registry.example.com/web:1\n",
            "charts/web/templates/deployment.yaml": DEPLOYMENT,
            "charts/web/templates/NOTES.txt": "Thank you for {{ .Chart.Name }}\n",
            "charts/web/crds/tests.yaml": CRD,
            "prod.yaml": "replicas: 3\n",
        }
    )
    releases = (
        Release(
            "charts/web", "blue", "prod", ("prod.yaml",), {"image": "registry.example.com/web:2"}
        ),
        Release("charts/web", "green", "test"),
    )
    found = collect(["charts"], Options(releases=releases))
    assert (found.unreadable, found.not_evaluated) == ([], [])
    assert re.fullmatch(r"3\.\d+\.\d+", found.renderers["helm"])
    deployments = [m for m in found.manifests if m.object["kind"] == "Deployment"]
    assert [(m.object["metadata"]["name"], m.object["spec"]["replicas"]) for m in deployments] == [
        ("blue", 3),
        ("green", 1),
    ]
    assert [m.text.file for m in deployments] == ["charts/web/templates/deployment.yaml"] * 2
    assert [m.text.namespace for m in deployments] == ["prod", "test"]
    containers = deployments[0].object["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "registry.example.com/web:2"
    assert len([m for m in found.manifests if m.object["kind"] == "CustomResourceDefinition"]) == 2


def test_a_chart_that_does_not_render_is_unreadable_with_the_reason(work, on_path):
    on_path("helm")
    work({"web/Chart.yaml": CHART, "web/templates/a.yaml": '{{ fail "no values" }}\n'})
    (entry,) = collect(["web"]).unreadable
    assert entry.source == "web/Chart.yaml"
    assert "no values" in entry.reason


def test_kubectl_renders_a_kustomization_with_patches(work, on_path):
    on_path("kubectl")
    work(
        {
            "base/kustomization.yaml": "resources: [d.yaml]\n",
            "base/d.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n",
            "prod/kustomization.yaml": (
                "namespace: prod\nnamePrefix: p-\nresources: [../base]\npatches: [{path: p.yaml}]\n"
            ),
            "prod/p.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: w}\n",
        }
    )
    found = collect(["."])
    assert (found.unreadable, found.not_evaluated) == ([], [])
    assert re.fullmatch(r"1\.\d+\.\d+ \(kustomize 5\.\d+\.\d+\)", found.renderers["kubectl"])
    (row,) = rows(found)
    assert row["file"] == "prod/kustomization.yaml"
    assert row["object"]["metadata"] == {"name": "p-c", "namespace": "prod"}
    assert row["object"]["data"] == {"k": "w"}


def test_a_reference_that_kubectl_would_fetch_stays_local(work, on_path):
    on_path("kubectl")
    work({"kustomization.yaml": "namePrefix: x-\nresources: ['https://127.0.0.1:1/base.yaml']\n"})
    found = collect(["."])
    assert found.unreadable == []
    assert "would fetch" in found.not_evaluated[0].reason


def test_rows_are_json_lines_in_the_order_of_files(work):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    work({"b.yaml": text % "b", "a.yaml": text % "a" + "---\n" + text % "c" + "---\n: [\n"})
    found = [json.loads(json.dumps(row)) for row in rows(collect(["."]))]
    assert [(row["file"], row["line"]) for row in found] == [
        ("a.yaml", 1),
        ("a.yaml", 5),
        ("b.yaml", 1),
        ("a.yaml", 9),
    ]
    assert set(found[-1]) == {"file", "line", "error"}
