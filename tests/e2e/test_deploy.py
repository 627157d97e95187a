# SPDX-License-Identifier: Apache-2.0
"""Is what deploy/ ships the same in every form, and as safe as kguard itself demands?"""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml

NOW = "2026-11-30T12:00:00Z"


def documents(text):
    found = [document for document in yaml.safe_load_all(text) if document]
    return {
        (d["kind"], d["metadata"].get("namespace", ""), d["metadata"]["name"]): d for d in found
    }


@pytest.fixture(scope="module")
def base(checkout):
    """The objects of the plain manifests."""
    texts = [path.read_text() for path in (checkout / "deploy/base/manifests").glob("*.yaml")]
    return documents("\n---\n".join(texts))


def test_the_kustomization_has_every_manifest(checkout, base, testbed):
    command = [testbed("kubectl"), "kustomize", str(checkout / "deploy/base")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert documents(done.stdout) == base


def rendered(testbed, checkout, *options):
    command = [testbed("helm"), "template", "kguard", str(checkout / "deploy/chart"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return documents(done.stdout)


def test_the_chart_renders_the_same_objects(checkout, base, testbed):
    assert rendered(testbed, checkout) == base


def test_the_chart_grants_more_only_with_what_needs_it(checkout, testbed):
    options = "--set=readSecrets=true,falcoMetrics=true,namespace.create=false,name=other"
    found = rendered(testbed, checkout, options, "--set=args={--layer=network}")
    rules = found["ClusterRole", "", "other"]["rules"][-2:]
    assert rules == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
    ]
    assert not [key for key in found if key[0] == "Namespace"]
    job = found["CronJob", "kguard", "other"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["args"][-3:] == ["--read-secrets", "--falco-metrics", "--layer=network"]


def test_kguard_has_nothing_against_it(checkout, kguard, base, tmp_path):
    """Beside a cluster that has all five layers; of the scan's other findings none is about it."""
    (tmp_path / "waivers.yaml").write_text(
        base["ConfigMap", "kguard", "kguard"]["data"]["waivers.yaml"]
    )
    done = kguard(
        *("scan", "examples/shop", "deploy/base/manifests", "--scope=cluster", "--output=json"),
        *("--evidence=examples/shop/evidence", f"--waivers={tmp_path / 'waivers.yaml'}"),
        f"--at={NOW}",
        cwd=checkout,
    )
    report = json.loads(done.stdout)
    layers = ("network", "mtls", "images", "audit", "runtime")
    assert {report["coverage"][name]["state"] for name in layers} == {"evaluated"}
    about = [f for f in report["findings"] if "kguard" in _named(f["target"])]
    assert {f["state"] for f in about} == {"waived"}
    assert {f["layer"] for f in about} == {"images"}


def test_kguard_has_nothing_against_it_alone(checkout, kguard):
    """Four layers have no evidence without a cluster, and say so."""
    done = kguard("scan", "deploy/base/manifests", "--fail-on=info", "--output=json", cwd=checkout)
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    states = {name: one["state"] for name, one in report["coverage"].items()}
    assert states.pop("network") == "evaluated"
    assert {states[name] for name in ("mtls", "audit", "runtime")} == {"no_evidence"}


def _named(target):
    return {target.get("namespace"), target["name"]}


def test_the_units_are_ones_that_systemd_takes(checkout, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on PATH")
    for suffix in ("service", "timer"):
        text = (checkout / f"deploy/systemd/kguard-audit@.{suffix}").read_text()
        text = text.replace("/usr/local/bin/kguard", shutil.which("true"))
        for name in (f"kguard-audit@.{suffix}", f"kguard-audit@production.{suffix}"):
            (tmp_path / name).write_text(text)
    for suffix in ("service", "timer"):
        unit = tmp_path / f"kguard-audit@production.{suffix}"
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    limit = ["--offline=true", "--threshold=20"]  # tenths: what it calls OK ends at 4.9
    unit = tmp_path / "kguard-audit@production.service"
    done = subprocess.run(["systemd-analyze", "security", *limit, unit], check=False)
    assert done.returncode == 0


def test_the_units_run_options_that_exist(checkout, kguard):
    text = (checkout / "deploy/systemd/kguard-audit@.service").read_text()
    command = text.partition("ExecStart=")[2].partition("\n\n")[0].replace("\\\n", " ")
    command = command.partition("\nLoad")[0].replace("%i", "no-such-context").split()
    done = kguard(*command[1:], env={"STATE_DIRECTORY": "/nowhere"})
    assert done.returncode == 2
    assert "there is no such context" in done.stderr


def test_the_fleet_is_as_safe_as_the_base(checkout, kguard, testbed, tmp_path):
    command = [testbed("kubectl"), "kustomize", str(checkout / "deploy/fleet")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = documents(text)
    assert {key[2] for key in found if key[0] == "CronJob"} == {"kguard-fleet"}
    job = found["CronJob", "kguard", "kguard-fleet"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    told = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert told["KGUARD_SHARDS"] == str(job["completions"])
    (tmp_path / "fleet.yaml").write_text(text)
    done = kguard("scan", tmp_path / "fleet.yaml", "--output=json", f"--at={NOW}", cwd=tmp_path)
    about = json.loads(done.stdout)["findings"]
    assert [f["message"] for f in about if f["layer"] not in ("images", "manifests")] == []
