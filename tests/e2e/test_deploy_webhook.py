# SPDX-License-Identifier: Apache-2.0
"""Would an API server take the manifests of the webhook, and has kguard nothing against them?"""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from tests.unit.serve.conftest import certificate

NOW = "2026-11-30T12:00:00Z"


@pytest.fixture(scope="module")
def shipped(checkout):
    """The objects of deploy/webhook, by kind."""
    texts = [path.read_text() for path in (checkout / "deploy/webhook/manifests").glob("*.yaml")]
    return {d["kind"]: d for text in texts for d in yaml.safe_load_all(text) if d}


def test_the_kustomization_has_every_manifest(checkout, shipped, testbed):
    command = [testbed("kubectl"), "kustomize", str(checkout / "deploy/webhook")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {d["kind"]: d for d in yaml.safe_load_all(done.stdout)} == shipped


def test_an_api_server_takes_them(checkout, cluster):
    base = checkout / "deploy/base/manifests/namespace.yaml"
    cluster.apply(base)
    command = ("apply", "--dry-run=server", "--validate=strict")
    told = cluster.run(*command, "--kustomize", str(checkout / "deploy/webhook"))
    assert len(told.splitlines()) == 9


def test_kguard_has_nothing_against_them(checkout, kguard, tmp_path):
    """Beside a cluster that has all five layers, and deploy/base."""
    settings = yaml.safe_load((checkout / "deploy/base/manifests/settings.yaml").read_text())
    (tmp_path / "waivers.yaml").write_text(settings["data"]["waivers.yaml"])
    folders = ("examples/shop", "deploy/base/manifests", "deploy/webhook/manifests")
    done = kguard(
        *("scan", *folders, "--scope=cluster", "--output=json", f"--at={NOW}"),
        *("--evidence=examples/shop/evidence", f"--waivers={tmp_path / 'waivers.yaml'}"),
        cwd=checkout,
    )
    about = [f for f in json.loads(done.stdout)["findings"] if "kguard-webhook" in str(f["target"])]
    assert [f["message"] for f in about if f["state"] != "waived"] == []


def test_it_leaves_out_what_it_needs_itself(shipped):
    (webhook,) = shipped["ValidatingWebhookConfiguration"]["webhooks"]
    (expression,) = webhook["namespaceSelector"]["matchExpressions"]
    assert expression["operator"] == "NotIn"
    assert {"kguard", "kube-system"} <= {*expression["values"]}
    assert webhook["failurePolicy"] == "Ignore"


def test_it_runs_options_that_exist(shipped, kguard, tmp_path):
    (container,) = shipped["Deployment"]["spec"]["template"]["spec"]["containers"]
    chain, key = certificate(tmp_path, "webhook")
    settings = tmp_path / "kguard.yaml"
    settings.write_text(shipped["ConfigMap"]["data"]["kguard.yaml"])
    here = {
        "/etc/kguard/kguard.yaml": settings,
        "/etc/kguard-tls/tls.crt": chain,
        "/etc/kguard-tls/tls.key": key,
        "in-cluster": "no-such-context",
    }
    arguments = container["args"]
    for there, path in here.items():
        arguments = [argument.replace(there, str(path)) for argument in arguments]
    done = kguard(*arguments, env={"KUBECONFIG": str(tmp_path / "none")})
    assert done.returncode == 2
    assert "there is no such context" in done.stderr
