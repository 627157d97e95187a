# SPDX-License-Identifier: Apache-2.0
"""Do the pods of the Indexed Job audit every cluster once, whatever happens to them?

Two API servers and many snapshots; the pods are made by the real controller from deploy/fleet as it
is, and run as processes with their own environment, several at once on one PostgreSQL.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kguard import history, sources
from kguard.sources import snapshot
from tests.e2e import live, pods
from tests.postgres import PASSWORD

SNAPSHOTS = int(os.environ.get("KGUARD_FLEET", "50"))
SPOKE = """
apiVersion: v1
kind: Namespace
metadata: {name: fleet}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: fleet}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:latest"}]}
"""
_LABEL = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


@pytest.fixture(scope="module")
def hub(cluster, testbed, checkout, postgres, tmp_path_factory):
    """The cluster with deploy/fleet applied, and the controller that makes pods of Jobs."""
    postgres.clear()
    cluster.run("apply", "--kustomize", str(checkout / "deploy" / "fleet"))
    cluster.run(
        *("create", "secret", "generic", "kguard-history", "--namespace=kguard"),
        f"--from-literal=password={PASSWORD}",
    )
    with live.controlling(
        testbed, tmp_path_factory.mktemp("controllers"), cluster, "job-controller"
    ):
        yield cluster


@pytest.fixture(scope="module")
def clusters(hub, testbed, checkout, tmp_path_factory):
    """The folder with a kubeconfig of each API server, and the snapshots."""
    folder = tmp_path_factory.mktemp("clusters")
    manifest = tmp_path_factory.mktemp("spoke") / "spoke.yaml"
    manifest.write_text(SPOKE)
    for number in range(SNAPSHOTS):
        data = snapshot.write(
            sources.collect([str(manifest)]), f"edge-{number:03}", datetime.now(UTC)
        )
        (folder / f"{number}.kguard.gz").write_bytes(data)
    _kubeconfig(hub, folder / "hub.yaml")
    with live.running(testbed, tmp_path_factory.mktemp("second")) as spoke:
        rights = checkout / "deploy" / "base" / "manifests"
        for name in ("namespace", "service-account", "cluster-role", "cluster-role-binding"):
            spoke.apply(rights / f"{name}.yaml")
        spoke.apply(manifest)
        _kubeconfig(spoke, folder / "spoke.yaml")
        yield folder


def _kubeconfig(cluster: live.Cluster, path: Path) -> None:
    """The way into a cluster with the token of its service account `kguard`."""
    config = json.loads(cluster.kubeconfig.read_text())
    token = cluster.run("create", "token", "kguard", "--namespace=kguard")
    config["users"] = [{"name": "kguard", "user": {"token": token}}]
    config["contexts"] = [{"name": "kguard", "context": {"cluster": "test", "user": "kguard"}}]
    path.write_text(json.dumps({**config, "current-context": "kguard"}))


@pytest.fixture
def start(hub, clusters, postgres, checkout, tmp_path):
    """``start(pod)`` is the process of a pod's container, with its files where they lie here."""
    settings = json.loads(hub.run("get", "configmap", "kguard", "--namespace=kguard", "-o", "json"))
    for name, text in settings["data"].items():
        (tmp_path / name).write_text(text.replace("/etc/kguard-clusters", str(clusters)))

    def run(pod):
        (container,) = pod["spec"]["containers"]
        told = {entry["name"]: _value(entry, pod, hub) for entry in container["env"]}
        told["KGUARD_HISTORY"] = postgres.remote
        words = [word.replace("/etc/kguard/", f"{tmp_path}/") for word in container["args"]]
        return subprocess.Popen(
            [sys.executable, "-m", "kguard", *words, "--layer=network"],
            env={**os.environ, "PYTHONPATH": str(checkout), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def _value(entry, pod, cluster) -> str:
    source = entry.get("valueFrom", {})
    if field := source.get("fieldRef"):
        where, key = _LABEL.fullmatch(field["fieldPath"]).groups()
        return pod["metadata"][where][key]
    if asked := source.get("secretKeyRef"):
        assert asked == {"name": "kguard-history", "key": "password"}
        return PASSWORD
    return entry["value"]


def _pods(cluster, job, count):
    """The pods of a Job that have not ended, as soon as there are so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        chosen = ("--namespace=kguard", f"--selector=job-name={job}", "-o", "json")
        found = json.loads(cluster.run("get", "pods", *chosen))["items"]
        waiting = [pod for pod in found if pod["status"]["phase"] == "Pending"]
        if len(waiting) == count:
            return waiting
        time.sleep(0.2)
    raise AssertionError(f"the controller has not made {count} pods")


def _index(pod) -> int:
    return int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])


def test_every_cluster_is_audited_once(hub, start, postgres, monkeypatch):
    hub.run("create", "job", "--namespace=kguard", "--from=cronjob/kguard-fleet", "night")
    first = sorted(_pods(hub, "night", 4), key=_index)
    assert [_index(pod) for pod in first] == [0, 1, 2, 3]
    running = [start(pod) for pod in first]
    for process in running[:2]:  # two die in the middle of their work
        process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(subprocess.Popen.communicate, running))
    assert [process.returncode for process in running] == [-9, -9, 0, 0], told
    for pod, process in zip(first, running, strict=True):
        pods.end(hub, pod, 137 if process.returncode else 0)
    again = sorted(_pods(hub, "night", 2), key=_index)
    assert [_index(pod) for pod in again] == [0, 1]
    for pod in again:
        process = start(pod)
        said = process.communicate()
        assert process.returncode == 0, said
        pods.end(hub, pod, 0)
    hub.run("wait", "--for=condition=Complete", "--timeout=60s", "--namespace=kguard", "job/night")
    with history.opened(postgres.address) as store:
        audits = history.audits(store)
        rows = {row.name: row for row in history.overview(store)}
    names = [*(f"edge-{number:03}" for number in range(SNAPSHOTS)), "hub", "spoke"]
    assert [audit.subject for audit in audits] == names
    assert all(audit.complete for audit in audits)
    assert rows["spoke"].findings == rows["edge-000"].findings != {}
