# SPDX-License-Identifier: Apache-2.0
"""Do the regular audits of docs/cron keep reports and tell new findings from old?"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.e2e import live

OPEN_SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: cron}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: cron}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:latest"}]}
"""


@pytest.fixture(scope="module")
def audited(testbed, tmp_path_factory):
    """A cluster of its own: its findings must not change under the audit."""
    folder = tmp_path_factory.mktemp("audited")
    with live.running(testbed, folder) as cluster:
        (folder / "shop.yaml").write_text(OPEN_SHOP)
        cluster.apply(folder / "shop.yaml")
        yield cluster


@pytest.fixture
def audit(audited, checkout, tmp_path):
    """``audit(context)`` is one run of the script, with ``kguard`` on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "kguard"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kguard "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "KUBECONFIG": str(audited.kubeconfig),
    }

    def run(context: str) -> int:
        script = str(checkout / "docs" / "cron" / "run.sh")
        command = [
            "sh",
            script,
            context,
            str(tmp_path),
            "--layer",
            "network",
            "--fail-on",
            "medium",
        ]
        return subprocess.run(command, env=environment, check=False, capture_output=True).returncode

    return run


def last(folder) -> dict:
    return json.loads((folder / "last.json").read_text())


def states(report: dict) -> set[str]:
    return {finding["state"] for finding in report["findings"]}


def test_only_what_is_new_fails_the_second_run(audit, audited, tmp_path):
    assert audit("admin") == 1
    assert states(last(tmp_path)) == {"open"}
    first = (tmp_path / "last.json").resolve()
    _next_second(first)
    assert audit("admin") == 0
    assert states(last(tmp_path)) == {"baseline"}
    assert (tmp_path / "last.json").resolve() != first
    assert first.is_file()
    again = OPEN_SHOP.replace("web", "second")
    (tmp_path / "second.yaml").write_text(again)
    audited.apply(tmp_path / "second.yaml")
    _next_second((tmp_path / "last.json").resolve())
    assert audit("admin") == 1
    new = [f for f in last(tmp_path)["findings"] if f["state"] == "open"]
    assert {f["target"]["name"] for f in new} == {"second"}


def test_an_incomplete_scan_is_no_baseline(audit, tmp_path):
    assert audit("stranger") == 3
    assert not (tmp_path / "last.json").exists()
    assert len(list(tmp_path.glob("*Z.json"))) == 1


def test_old_reports_are_deleted(audit, tmp_path, monkeypatch):
    old, young = tmp_path / "20200101T000000Z.json", tmp_path / "20200102T000000Z.json"
    for path in (old, young):
        path.write_text("{}")
    os.utime(old, (0, 0))
    audit("stranger")
    assert not old.exists()
    assert young.exists()


def test_the_manifests_are_accepted_by_an_api_server(audited, checkout):
    printed = audited.run("apply", "--kustomize", str(checkout / "docs" / "cron"))
    assert "cronjob.batch/kguard created" in printed
    assert "clusterrole.rbac.authorization.k8s.io/kguard created" in printed


def _next_second(report) -> None:
    """Reports are named by the second."""
    import time

    while time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) <= report.stem:
        time.sleep(0.05)
