# SPDX-License-Identifier: Apache-2.0
"""Do the audits of deploy/ tell what is new, keep it, and end as their scheduler expects?

The line for cron is run by a shell. The pod of the CronJob is made by the real controller from the
manifests as they are, and run as a process with its own token (see `pods`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest
import yaml

from kguard import history
from kguard.sources.cluster.kinds import WANTED
from tests.e2e import image, live, pods, report_crds, room

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
    with live.running(testbed, folder, service_accounts=True) as cluster:
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


@pytest.fixture(scope="module")
def deployed(audited, testbed, checkout, tmp_path_factory):
    """The cluster with deploy/base applied, and the controllers that make pods of Jobs."""
    room.needed()
    folder = tmp_path_factory.mktemp("controllers")
    audited.run("apply", "--kustomize", str(checkout / "deploy" / "base"))
    report_crds.define(audited, folder)
    live.define_resources(audited, folder, {(g, _named(n)) for g, ns in WANTED.items() for n in ns})
    names = ("job-controller", "root-ca-certificate-publisher-controller")
    with live.controlling(testbed, folder, audited, *names):
        yield audited


def _named(resource):
    """A resource of a group of which everything is read."""
    return "things" if resource == "*" else resource


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Where the volumes of the pods lie."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def job(deployed, checkout, state):
    """``job("name")`` is the pod of a Job made from the CronJob, and what its container said."""
    whole = image.of_checkout(checkout, Path(sysconfig.get_path("purelib")))

    def run(name):
        deployed.run("create", "job", "--namespace=kguard", "--from=cronjob/kguard", name)
        pod = pods.of_job(deployed, "kguard", name)
        done = pods.run(pod, whole, deployed, state)
        pods.end(deployed, pod, done.returncode)
        return pod, done

    return run


@pytest.fixture(scope="module")
def first(job):
    return job("first")


def test_the_first_audit_fails_and_is_not_retried(deployed, first):
    _, done = first
    assert done.returncode == 1, done.stderr
    assert "network/" in done.stdout
    chosen = ("--namespace=kguard", "job/first")
    deployed.run("wait", "--for=condition=Failed", "--timeout=60s", *chosen)
    status = json.loads(deployed.run("get", *chosen, "-o", "json"))["status"]
    assert (status["failed"], status.get("active", 0)) == (1, 0)
    assert {c["reason"] for c in status["conditions"]} == {"BackoffLimitExceeded"}


def test_its_results_are_in_history_and_metrics(first, state):
    claim = state / "claim-kguard"
    with history.connect(str(claim / "audits.db")) as database:
        (audit, *_) = history.audits(database)
        kept = history.findings(database, audit)
    assert audit.subject == "in-cluster"
    report = json.loads((claim / "report.json").read_text())
    assert report["incomplete"] == []
    assert len(kept) == audit.opened > 0
    assert "kguard_scan_complete 1" in (claim / "kguard.prom").read_text()


def test_its_results_are_reports_that_the_cluster_takes(deployed, first, state):
    path = state / "claim-kguard" / "openreports.json"
    _taken(deployed, path, "reports.openreports.io,clusterreports.openreports.io")
    told = json.loads((state / "claim-kguard" / "events.json").read_text())["items"]
    critical = [f for f in _open(state) if f["severity"] == "critical"]
    assert len(told) == len(critical)


def _taken(cluster, path, kinds):
    """The cluster takes the reports of a file; all their results are in it then."""
    sent = json.loads(path.read_text())["items"]
    cluster.apply(path, "--server-side", "--validate=false")  # strictly: test_reports_in_cluster
    found = json.loads(cluster.run("get", kinds, "--all-namespaces", "-o", "json"))["items"]
    assert sum(len(item["results"]) for item in found) == sum(len(i["results"]) for i in sent) > 0


@pytest.fixture(scope="module")
def second(deployed, job, first, state):
    """The next audit, which writes the older reports, too, and finds the history busy at first."""
    path, output = "/spec/jobTemplate/spec/template/spec/containers/0/args/-", "/var/lib/kguard"
    value = f"--output=policyreport={output}/policyreport.json"
    patch = json.dumps([{"op": "add", "path": path, "value": value}])
    deployed.run("patch", "cronjob", "kguard", "--namespace=kguard", "--type=json", "-p", patch)
    claim = state / "claim-kguard"
    report = claim / "report.json"
    before = report.stat().st_mtime_ns
    lock = sqlite3.connect(claim / "audits.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    answers = []
    run = threading.Thread(target=lambda: answers.append(job("second")))
    run.start()
    while report.stat().st_mtime_ns == before and run.is_alive():
        time.sleep(0.1)
    assert run.is_alive()
    lock.execute("ROLLBACK")
    lock.close()
    run.join()
    ((_, done),) = answers
    return done


def test_the_next_audit_has_nothing_new_and_waits_for_the_history(second, state):
    """Another runner wrote while it wanted to: it waited, and both are kept."""
    assert second.returncode == 0, second.stderr + second.stdout
    with history.connect(str(state / "claim-kguard" / "audits.db")) as database:
        assert [audit.opened for audit in history.audits(database)][1:] == [0]


def test_its_results_are_policy_reports_that_the_cluster_takes(deployed, second, state):
    path = state / "claim-kguard" / "policyreport.json"
    _taken(deployed, path, "policyreports.wgpolicyk8s.io,clusterpolicyreports.wgpolicyk8s.io")


def test_its_rights_are_those_that_it_uses(deployed, first, checkout):
    """What the API server recorded of the pod's requests, against the generated role."""
    role = yaml.safe_load((checkout / "deploy/base/manifests/cluster-role.yaml").read_text())
    granted = {
        (verb, group, _named(name))
        for rule in role["rules"]
        for group in rule.get("apiGroups", ())
        for name in rule["resources"]
        for verb in rule["verbs"]
    }
    asked = [
        e for line in deployed.audit_log.read_text().splitlines() if _is_ours(e := json.loads(line))
    ]
    assert {event["responseStatus"]["code"] for event in asked} == {200}
    used = {
        (e["verb"], e["objectRef"].get("apiGroup", ""), e["objectRef"]["resource"])
        for e in asked
        if "objectRef" in e
    }
    assert used == granted
    assert ("list", "", "secrets") not in used
    paths = {(e["verb"], e["requestURI"]) for e in asked if "objectRef" not in e}
    open_to_all = {("get", "/api"), ("get", "/apis"), ("get", "/version")}  # system:discovery
    assert paths - open_to_all == {
        (verb, path)
        for rule in role["rules"]
        for path in rule.get("nonResourceURLs", ())
        for verb in rule["verbs"]
    }


def _is_ours(event):
    ours = event["user"]["username"] == "system:serviceaccount:kguard:kguard"
    return ours and event["stage"] == "ResponseComplete"


def test_the_pod_is_what_the_manifests_say(first):
    pod, _ = first
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in mounts
    assert pod["spec"]["restartPolicy"] == "Never"


def _open(state):
    report = json.loads((state / "claim-kguard" / "report.json").read_text())
    return [finding for finding in report["findings"] if finding["state"] == "open"]
