# SPDX-License-Identifier: Apache-2.0
"""Does the line of deploy/cron say something only when a finding is new or cannot be known?"""

from __future__ import annotations

import os
import subprocess
import sys
import time

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
def line(checkout) -> str:
    """The command of the nightly job."""
    text = (checkout / "deploy" / "cron" / "kguard").read_text()
    (job,) = (line for line in text.splitlines() if "kguard scan" in line)
    return job.split(maxsplit=6)[6]


@pytest.fixture
def audit(audited, checkout, tmp_path, line):
    """``audit(context)`` is what one run of the line prints, with `kguard` on PATH."""
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
        "KGUARD_HISTORY": str(tmp_path / "audits.db"),
    }

    def run(context: str) -> str:
        text = line.replace("/var/lib/kguard", str(tmp_path)).replace("production", context)
        text = text.replace("--fail-on-new", "--fail-on-new --layer network --fail-on medium")
        done = subprocess.run(
            ["sh", "-c", text], env=environment, check=False, capture_output=True, text=True
        )
        _next_second()
        return done.stdout

    return run


def test_only_what_is_new_is_told(audit, audited, tmp_path):
    assert "network/" in audit("admin")
    assert audit("admin") == ""
    again = OPEN_SHOP.replace("web", "second")
    (tmp_path / "second.yaml").write_text(again)
    audited.apply(tmp_path / "second.yaml")
    assert "second" in audit("admin")


def test_what_cannot_be_read_is_told_each_time(audit):
    for _ in range(2):
        assert "is not granted" in audit("stranger")


def test_two_runs_at_once_are_one(audit, tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        assert audit("admin") == ""
    assert not (tmp_path / "admin.json").exists()


def _next_second() -> None:
    """Audits are told apart by the second."""
    began = int(time.time())
    while int(time.time()) <= began:
        time.sleep(0.05)
