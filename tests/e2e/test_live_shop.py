# SPDX-License-Identifier: Apache-2.0
"""Does a live scan find what the scan of the manifests finds, apart from a short listed set?

``examples/shop`` is applied by the real kubectl to a real API server with minimal definitions.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kguard.model.findings import LAYERS
from tests.e2e import live

NOT_OBJECTS = {"audit.k8s.io", "kubeadm.k8s.io", "apiserver.config.k8s.io"}
"""Files of the control plane's machines: no API server serves these groups."""

DEFINED = {
    ("eventing.knative.dev", "Broker"): ("v1", True),
    ("eventing.knative.dev", "Trigger"): ("v1", True),
    ("networking.istio.io", "DestinationRule"): ("v1", True),
    ("networking.istio.io", "Gateway"): ("v1", True),
    ("networking.istio.io", "VirtualService"): ("v1", True),
    ("policy.sigstore.dev", "ClusterImagePolicy"): ("v1beta1", False),
    ("security.istio.io", "PeerAuthentication"): ("v1", True),
    ("serving.knative.dev", "Service"): ("v1", True),
    ("sources.knative.dev", "KafkaSource"): ("v1", True),
}

AUDIT_FILE = "the audit policy is a file of the control plane's machine, no object"
OPEN = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}
"""
ONLY_IN_FILES = {
    "audit/contents-unrecorded": AUDIT_FILE,
    "audit/credentials-unrecorded": AUDIT_FILE,
    "audit/key-concerns": AUDIT_FILE,
    "audit/sessions-unrecorded": AUDIT_FILE,
    "audit/writes-unrecorded": AUDIT_FILE,
    "manifests/guessed-value": "how a text is written is lost when it is applied",
}
"""Policies whose findings only the files show, with the reason."""

ONLY_LIVE = {
    "audit/recording-off": "its counters show that it records; what, a file of its machine"
}
"""Policies whose findings only the cluster shows, with the reason."""


@pytest.fixture(scope="module")
def shop(testbed, checkout, tmp_path_factory):
    """A cluster that runs the example shop."""
    folder = tmp_path_factory.mktemp("shop")
    with live.running(testbed, folder) as cluster:
        live.define(cluster, folder, DEFINED)
        items = _objects(checkout / "examples" / "shop")
        path = folder / "shop.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        cluster.apply(path)
        # Admission marks new nodes; a node's agent, which is not here, would take that back.
        cluster.run("taint", "nodes", "--all", "node.kubernetes.io/not-ready:NoSchedule-")
        yield cluster


def _objects(folder: Path) -> list[dict]:
    """What kubectl can apply, namespaces first, in the order of file names."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if not isinstance(document, dict) or "kind" not in document:
                continue
            if document["apiVersion"].partition("/")[0] not in NOT_OBJECTS:
                found.append(document)
    return sorted(found, key=lambda item: item["kind"] != "Namespace")


def _identities(done) -> set[tuple]:
    assert done.returncode in {1, 3}, done.stderr
    report = json.loads(done.stdout)
    return {
        (
            finding["policy"],
            finding["target"].get("kind", ""),
            finding["target"].get("namespace", ""),
            finding["target"].get("name", ""),
            finding["state"],
        )
        for finding in report["findings"]
    }


def _lines(entries: set[tuple]) -> str:
    return "\n".join(" ".join(entry) for entry in sorted(entries))


@pytest.fixture(scope="module")
def scans(shop, kguard, checkout):
    """The findings of both scans, with the same settings."""
    common = ["scan", "-o", "json", "--quiet", "--config", "examples/shop/kguard.yaml"]
    common += ["--scope", "cluster"]
    files = kguard(*common, "examples/shop", cwd=checkout)
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    running = kguard(*common, "--context", "admin", cwd=checkout, env=environment)
    return _identities(files), _identities(running)


def test_the_cluster_shows_what_the_files_show(scans):
    files, running = scans
    missing = {entry for entry in files - running if entry[0] not in ONLY_IN_FILES}
    assert not missing, _lines(missing)


def test_the_cluster_shows_nothing_else(scans):
    files, running = scans
    surplus = {entry for entry in running - files if entry[0] not in ONLY_LIVE}
    assert not surplus, _lines(surplus)


def test_every_listed_difference_is_one(scans):
    files, running = scans
    assert set(ONLY_IN_FILES) <= {entry[0] for entry in files - running}
    assert set(ONLY_LIVE) <= {entry[0] for entry in running - files}


def test_a_reader_without_rights_never_sees_a_pass(shop, kguard, checkout):
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    done = kguard("scan", "-o", "json", "--context", "stranger", cwd=checkout, env=environment)
    assert done.returncode in {1, 3}
    report = json.loads(done.stdout)
    assert report["complete"] is False
    states = {name: report["coverage"][name]["state"] for name in LAYERS}
    assert states == dict.fromkeys(LAYERS, "unknown")
    assert {finding["state"] for finding in report["findings"]} == {"unknown"}
    reasons = " ".join(entry["reason"] for entry in report["incomplete"])
    assert "`list` on `networkpolicies.networking.k8s.io` is not granted" in reasons


def test_two_live_scans_give_the_same_bytes(shop, kguard, checkout):
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    arguments = ["scan", "-o", "json", "--context", "admin", "--at", "2026-11-23T12:00:00Z"]
    first, second = (kguard(*arguments, cwd=checkout, env=environment) for _ in range(2))
    assert first.stdout == second.stdout
    assert first.stdout


@pytest.fixture(scope="module")
def snapshot(shop, kguard, checkout, tmp_path_factory):
    """The state of the running shop as a file."""
    path = tmp_path_factory.mktemp("snapshot") / "shop.kguard.gz"
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    done = kguard("snapshot", "--context", "admin", "-o", path, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stderr
    return path


def test_a_snapshot_gives_the_bytes_that_the_cluster_gives(shop, snapshot, kguard, checkout):
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    common = ["scan", "-o", "json", "--quiet", "--at", "2026-11-23T12:00:00Z"]
    running = kguard(*common, "--context", "admin", cwd=checkout, env=environment)
    kept = kguard(*common, "--snapshot", snapshot, cwd=checkout, env={"KUBECONFIG": "/dev/null"})
    assert running.stdout == kept.stdout
    assert len(json.loads(kept.stdout)["findings"]) > 20


def test_manifests_that_are_there_already_change_nothing_of_the_network(snapshot, kguard, checkout):
    done = kguard(
        "gate",
        "examples/shop/network",
        "--snapshot",
        snapshot,
        "--layer",
        "network",
        "-o",
        "json",
        cwd=checkout,
    )
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert (found["new"], found["fixed"]) == ([], [])
    assert found["unchanged"] > 10


def test_a_policy_that_opens_the_shop_is_stopped_before_it_is_applied(
    shop, kguard, checkout, tmp_path
):
    (tmp_path / "open.yaml").write_text(OPEN)
    environment = {"KUBECONFIG": str(shop.kubeconfig)}
    arguments = ["gate", tmp_path, "--context", "admin", "--layer", "network"]
    done = kguard(*arguments, cwd=checkout, env=environment)
    assert done.returncode == 1, done.stderr
    assert "any pod in the cluster can open cart:8080" in done.stdout
