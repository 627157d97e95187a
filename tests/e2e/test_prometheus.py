# SPDX-License-Identifier: Apache-2.0
"""Do Prometheus' own tools take the metrics and the alert rules, and does a Pushgateway?

`make conformance-full` builds them and runs this, with KGUARD_PROMETHEUS=1; without, it is not
collected.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from datetime import UTC, datetime

import pytest
import urllib3
import yaml

from kguard import sources
from kguard.sources import snapshot
from tests.e2e import live

ALERTS = "deploy/monitoring/alerts.yaml"


@pytest.fixture(scope="module")
def promtool(testbed, checkout):
    """``promtool("check", "rules", ...)`` must succeed; its output."""

    def run(*words, text=""):
        command = [testbed("promtool"), *map(str, words)]
        done = subprocess.run(
            command, cwd=checkout, input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def metrics(kguard, checkout, tmp_path_factory):
    """The metrics of one input, and those of two clusters together."""
    folder = tmp_path_factory.mktemp("metrics")
    one, several = folder / "one.prom", folder / "several.prom"
    kguard("scan", "examples/shop", "-o", f"prometheus={one}", cwd=checkout)
    words = [f"--snapshot={folder / name}" for name in ("east", "west")]
    for name in ("east", "west"):
        collected = sources.collect([str(checkout / "examples" / "shop")])
        (folder / name).write_bytes(snapshot.write(collected, name, datetime.now(UTC)))
    kguard("scan", *words, "-o", f"prometheus={several}", cwd=checkout)
    return [one.read_text(), several.read_text()]


def test_the_metrics_are_well_formed(promtool, metrics):
    for text in metrics:
        assert text
        promtool("check", "metrics", text=text)


def test_the_rules_are_taken(promtool):
    assert "SUCCESS: 9 rules found" in promtool("check", "rules", "--lint=all", ALERTS)


def _series(name, values, **labels):
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{inner}}}", "values": values}


EAST = {"instance": "node-1", "cluster": "east"}
WEST = {"instance": "node-1", "cluster": "west"}
FINDINGS = {"layer": "network", "severity": "critical"}


def test_alerts_fire_for_the_cluster_that_they_are_about(promtool, checkout, tmp_path):
    """Of two clusters of one file: one has a critical finding from the second day on."""
    series = [
        _series("kguard_findings", "0x1440 1x1440", **EAST, **FINDINGS, state="open"),
        _series("kguard_findings", "0x2880", **WEST, **FINDINGS, state="open"),
        _series("kguard_scan_complete", "1x1440 0x1440", **WEST),
        _series("kguard_scan_complete", "1x2880", **EAST),
        _series("kguard_scan_timestamp_seconds", "0x5760", **EAST),
    ]
    wanted = [
        ("KguardCriticalFinding", "1d1h", {**EAST, "layer": "network", "severity": "critical"}),
        ("KguardMoreFindings", "1d2h", {**EAST, "severity": "warning"}),
        ("KguardScanIncomplete", "1d2h", {**WEST, "severity": "warning"}),
        ("KguardScanOld", "2d1h", {**EAST, "severity": "warning"}),
    ]
    tests = [
        {"alertname": name, "eval_time": at, "exp_alerts": [{"exp_labels": labels}]}
        for name, at, labels in wanted
    ]
    early = [{"alertname": name, "eval_time": "12h", "exp_alerts": []} for name, _, _ in wanted]
    rules = yaml.safe_load((checkout / ALERTS).read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations")  # their text is not what this is about
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules))
    test = {"interval": "1m", "input_series": series, "alert_rule_test": early + tests}
    plan = {"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(plan))
    promtool("test", "rules", tmp_path / "test.yaml")


@pytest.fixture
def gateway(testbed, tmp_path):
    """The address of a Pushgateway."""
    (port,) = live.free_ports(1)
    command = [testbed("pushgateway"), f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not _answers(port):
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _answers(port):
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", f"http://127.0.0.1:{port}/-/ready", retries=False)


def _held(gateway):
    """The lines that a Pushgateway shows of each subject."""
    page = urllib3.request("GET", f"{gateway}/metrics").data.decode()
    lines = [line for line in page.splitlines() if line.startswith("kguard_")]
    return {name: [x for x in lines if f'instance="{name}"' in x] for name in ("a/b", "prod")}


def test_a_pushgateway_takes_them_and_a_layer_that_no_longer_runs_is_gone(
    gateway, kguard, checkout
):
    scan = ("scan", "examples/shop", "--push-metrics", gateway, "-q", "--fail-on=none", "-ojson")
    for subject in ("prod", "a/b"):
        done = kguard(*scan, "--subject", subject, cwd=checkout)
        assert done.returncode == 0, done.stderr
    before = _held(gateway)
    assert len(before["prod"]) == len(before["a/b"]) > 100
    kguard(*scan, "--subject", "prod", "--layer=network", cwd=checkout)
    after = _held(gateway)
    assert after["a/b"] == before["a/b"]
    assert any('layer="audit"' in line for line in before["prod"])
    assert not any('layer="audit"' in line for line in after["prod"])
