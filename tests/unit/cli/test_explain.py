# SPDX-License-Identifier: Apache-2.0
"""Does `kguard explain` know every policy that a scan runs?"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kguard.cli.explain import command
from kguard.model.findings import fingerprint
from kguard.model.manifests import ObjectRef

RULE = 'package main\ndeny[m] { input.kind == "Pod"; m := "there are pods" }\n'
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n"


def explained(*words):
    done = CliRunner().invoke(command, [*words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Settings that name a folder of policies, and a pod."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "deploy"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "main.rego").write_text(RULE)
    (tmp_path / "deploy" / "a.yaml").write_text(POD)
    (tmp_path / "kguard.yaml").write_text("policy-dirs: [mine]\n")


def test_policies_of_the_settings_are_known(repository):
    assert "manifests/main-deny  high" in explained("manifests/main-deny")


def test_their_findings_are_explained(repository):
    target = ObjectRef("v1", "Pod", "default", "p")
    name = fingerprint("manifests/main-deny", target, "there are pods")
    said = explained(name[:8], "deploy")
    assert said.startswith("high  manifests/main-deny  Pod default/p")
    assert "there are pods" in said
