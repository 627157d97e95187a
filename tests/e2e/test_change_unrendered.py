# SPDX-License-Identifier: Apache-2.0
"""Does a change pass in a chart or kustomization that nobody could render?"""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.e2e.manifests import LATEST_WEB
from tests.repositories import commit, git

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
DENY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
FILES = {
    "web.yaml": LATEST_WEB,
    "chart/Chart.yaml": CHART,
    "chart/values.yaml": "deny: true\n",
    "chart/templates/deny.yaml": f"{{{{ if .Values.deny }}}}\n{DENY}{{{{ end }}}}\n",
    "overlay/kustomization.yaml": "resources: [../parts/a.yaml]\nnamePrefix: a-\n",
    "parts/a.yaml": LATEST_WEB.replace("name: web", "name: other"),
    "remote/kustomization.yaml": "resources: [https://example.com/base.git]\n",
    "odd/kustomization.yaml": f"patches: [{{path: {'x' * 5000}}}, "
    '{path: "a\\0b"}, {path: /etc/hostname}]\n',
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(programs))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, FILES)
    return folder


CHANGES = {
    "a value": ({"chart/values.yaml": "deny: false\n"}, "chart"),
    "a template": ({"chart/templates/deny.yaml": "# nothing\n"}, "chart"),
    "a helper": ({"chart/templates/_a.tpl": "{{/* nothing */}}\n"}, "chart"),
    "a chart that goes": (dict.fromkeys(list(FILES)[1:4]), "chart"),
    "a chart that comes": ({"new/Chart.yaml": CHART, "new/values.yaml": "a: 1\n"}, "new"),
    "a part of an overlay": ({"parts/a.yaml": LATEST_WEB}, "overlay"),
    "a chart that is the repository": ({"Chart.yaml": CHART}, "."),
    "a remote base": (
        {"remote/kustomization.yaml": "resources: [https://example.com/other.git]\n"},
        "remote",
    ),
    "a remote base that goes": (
        {"remote/kustomization.yaml": "resources: [a.yaml]\n", "remote/a.yaml": DENY},
        "remote",
    ),
}


@pytest.mark.parametrize(("change", "place"), CHANGES.values(), ids=CHANGES)
def test_a_change_that_is_not_rendered_is_incomplete(kguard, repository, change, place):
    commit(repository, change)
    options = ("--baseline", "rev:HEAD~1", "--fail-on-new", "-o", "json")
    done = kguard("scan", ".", *options, cwd=repository)
    report = json.loads(done.stdout)
    assert done.returncode == 3, done.stderr
    assert not report["complete"]
    (entry,) = report["incomplete"]
    assert entry["source"] == place
    assert "not rendered: " in entry["reason"]
    assert "the change touches it" in entry["reason"]
    assert entry["hint"]
    assert kguard("scan", ".", *options, "--allow-incomplete", cwd=repository).returncode == 0
    told = kguard("diff", "rev:HEAD~1", "rev:HEAD", "-o", "json", cwd=repository)
    assert told.returncode == 3
    assert [e["source"] for e in json.loads(told.stdout)["incomplete"]] == [place]


def test_what_is_not_rendered_and_stays_as_it_is_fails_nothing(kguard, repository):
    commit(repository, {"README.md": "words\n", "web.yaml": LATEST_WEB + "# the same\n"})
    options = ("--baseline", "rev:HEAD~1", "--fail-on-new", "-o", "json")
    for folder in (repository, repository / "chart"):
        done = kguard("scan", ".", *options, cwd=folder)
        found = json.loads(done.stdout)
        assert found["not_evaluated"]
        source = [] if folder == repository else ["."]  # nothing but a chart: nothing was read
        assert [e["source"] for e in found["incomplete"]] == source
    assert kguard("diff", "rev:HEAD~1", ".", cwd=repository).returncode == 0


def test_a_change_that_the_user_does_not_want_rendered_is_left_out(kguard, repository):
    commit(repository, {"chart/values.yaml": "deny: false\n"})
    options = ("--baseline", "rev:HEAD~1", "--fail-on-new", "--render", "never")
    assert kguard("scan", ".", *options, cwd=repository).returncode == 0


RELEASE = "{chart: chart, name: shop, namespace: shop, values: [envs/prod.yaml]}"
INSTALLED = {"kguard.yaml": f"helm: [{RELEASE}]\n", "envs/prod.yaml": "deny: true\n"}


@pytest.mark.parametrize("more", [(), ("--settings-from", "HEAD~1")], ids=["own", "base"])
@pytest.mark.parametrize("place", [".", "chart"])
def test_values_beside_a_chart_are_those_of_each_side(
    kguard, repository, testbed, monkeypatch, more, place
):
    commit(repository, INSTALLED)
    commit(repository, {"envs/prod.yaml": "deny: false\n"})
    options = ("--baseline", "rev:HEAD~1", "--fail-on=low", "--fail-on-new", *more, "-o", "json")
    done = kguard("scan", ".", *options, cwd=repository / place)
    assert "the change touches it" in done.stdout
    monkeypatch.setenv("PATH", str(testbed("helm").parent), prepend=os.pathsep)
    changes = repository / "changes.txt"
    told = kguard(
        "scan", repository, *options, "--changes", f"txt={changes}", cwd=repository / place
    )
    assert told.returncode == 1
    assert "opens" in changes.read_text()
    assert place == "chart" or changes.read_text().startswith("envs/prod.yaml:1  deny: false\n")
