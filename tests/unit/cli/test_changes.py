# SPDX-License-Identifier: Apache-2.0
"""Does `kguard diff` compare what it was given, and say what it could not read?"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from kguard import sources
from kguard.cli import scan
from kguard.cli.diff import command
from kguard.sources import snapshot
from tests.e2e.manifests import OPEN_WEB

DENY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """``folders(base=TEXT, head=TEXT)`` writes a file into each of these folders."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.yaml").write_text(text)

    return write


def diff(*arguments):
    return typed(command, *arguments)


def typed(called, *arguments):
    done = CliRunner().invoke(called, [*arguments], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value, done.stdout


@pytest.mark.parametrize("sides", [("good", "broken"), ("broken", "good")])
def test_a_side_that_cannot_be_read_is_no_empty_side(folders, sides):
    folders(good=OPEN_WEB, broken="a: [\n")
    assert diff(*sides, "--fail-on", "none")[0] == 3
    assert diff(*sides, "--fail-on", "none", "--allow-incomplete")[0] == 0


@pytest.mark.parametrize("sides", [("good", "none"), ("none", "good")])
def test_a_side_that_holds_nothing_is_empty(folders, sides, tmp_path):
    folders(good=OPEN_WEB)
    (tmp_path / "none").mkdir()
    assert diff(*sides, "--fail-on", "none")[0] == 0


def test_both_sides_are_applied_on_top_of_a_snapshot(folders, tmp_path):
    folders(cluster=OPEN_WEB, base=DENY, head="a: 1\n")
    state = snapshot.write(sources.collect(["cluster"]), "prod", datetime.now(UTC))
    (tmp_path / "prod.gz").write_bytes(state)
    code, said = diff("base", "head", "--snapshot", "prod.gz")
    assert code == 1
    assert "opens        every port of shop/web to the internet and any pod of the cluster" in said


def test_a_waiver_that_the_change_takes_away_is_no_excuse(folders, tmp_path):
    key, value = "ignore.kguard.dev/network.open-to-cluster", "until=2099-01-01; by=me; reason=x"
    waiver = f'namespace: shop, annotations: {{{key}: "{value}"}}}}'
    text = OPEN_WEB.replace("namespace: shop}", waiver)
    folders(deploy=text)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *arguments], check=True)
    chosen = ("--policy", "network/open-to-cluster", "--baseline", "rev:HEAD", "--fail-on-new")
    assert typed(scan.command, "deploy", *chosen)[0] == 0
    (tmp_path / "deploy" / "a.yaml").write_text(OPEN_WEB)
    assert typed(scan.command, "deploy", *chosen)[0] == 1
