# SPDX-License-Identifier: Apache-2.0
"""Does the live source read a real API server whole, by right, and never take no for absence?"""

from __future__ import annotations

import json

import pytest

from kguard.errors import ClusterError, UsageError
from kguard.sources import cluster as source
from kguard.sources.cluster import listing
from support.testbed.recipes import recipe
from tests.e2e import live

KINDS = {
    ("security.istio.io", "PeerAuthentication"): ("v1", True),
    ("serving.knative.dev", "Service"): ("v1", True),
    ("policy.sigstore.dev", "ClusterImagePolicy"): ("v1beta1", False),
}
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: live-source, labels: {team: a}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: live-source}
spec: {mtls: {mode: STRICT}}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec: {images: [{glob: "**"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden, namespace: live-source}
stringData: {password: never-shown}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: live-source}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
"""
MANY = 1234


@pytest.fixture(scope="module")
def filled(cluster, tmp_path_factory):
    """The cluster with objects of several groups and many ConfigMaps."""
    folder = tmp_path_factory.mktemp("objects")
    live.define(cluster, folder, KINDS)
    (folder / "objects.yaml").write_text(OBJECTS)
    cluster.apply(folder / "objects.yaml")
    items = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"many-{number}", "namespace": "live-source"},
        }
        for number in range(MANY)
    ]
    many = folder / "many.json"
    many.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    cluster.run("create", "--filename", str(many))
    return cluster


@pytest.fixture(autouse=True)
def kubeconfig(cluster, monkeypatch):
    """The official client reads the test's kubeconfig."""

    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))


def named(collected, kind):
    return {
        manifest.object["metadata"]["name"]: manifest
        for manifest in collected.manifests
        if manifest.object["kind"] == kind
    }


def test_an_administrator_reads_everything_but_secrets(filled):
    collected = source.read("admin")
    assert collected.unreadable == []
    strict = named(collected, "PeerAuthentication")["strict"]
    assert strict.object["apiVersion"] == "security.istio.io/v1"
    assert strict.object["spec"] == {"mtls": {"mode": "STRICT"}}
    assert strict.text.cluster == "admin"
    assert "signed" in named(collected, "ClusterImagePolicy")
    assert "web" in named(collected, "Deployment")
    assert named(collected, "Secret") == {}
    assert collected.versions == {"kubernetes": recipe(live.APISERVER).version}


def test_what_the_server_adds_for_itself_is_left_out(filled):
    web = named(source.read("admin"), "Deployment")["web"]
    assert "managedFields" not in web.metadata
    assert web.annotations == {}


def test_long_lists_come_in_chunks_and_whole(filled, monkeypatch):
    monkeypatch.setattr(listing, "CHUNK", 500)
    found = named(source.read("admin"), "ConfigMap")
    assert sum(name.startswith("many-") for name in found) == MANY


def test_secrets_are_read_only_on_request(filled):
    assert "hidden" in named(source.read("admin", read_secrets=True), "Secret")


def test_a_missing_right_is_unreadable_with_the_right_named(filled):
    collected = source.read("stranger")
    assert collected.manifests == []
    refused = {entry.feeds: entry for entry in collected.unreadable}
    entry = refused["NetworkPolicy.networking.k8s.io",]
    assert "`list` on `networkpolicies.networking.k8s.io` is not granted" in entry.reason
    assert ("PeerAuthentication.security.istio.io",) in refused


def test_the_shipped_role_is_enough(filled, checkout):
    filled.apply(checkout / "deploy/base/manifests/cluster-role.yaml")
    filled.run(
        "create", "clusterrolebinding", "kguard-test", "--clusterrole=kguard", "--user=scanner"
    )
    collected = source.read("scanner")
    assert collected.unreadable == []
    assert "strict" in named(collected, "PeerAuthentication")


def test_an_unknown_user_is_one_sentence(filled, tmp_path, monkeypatch):
    text = filled.kubeconfig.read_text().replace("admin-token", "no-such-token")
    (tmp_path / "kubeconfig").write_text(text)

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(ClusterError, match="does not know the user"):
        source.read("admin")


def test_an_unknown_context_is_a_usage_error(cluster):
    with pytest.raises(UsageError, match="no-such-context") as error:
        source.read("no-such-context")
    assert error.value.hint == "the kubeconfig knows admin, scanner, stranger"


def test_a_server_that_is_away_is_named(tmp_path, cluster, monkeypatch):
    (port,) = live.free_ports(1)
    text = cluster.kubeconfig.read_text().replace(cluster.url, f"https://127.0.0.1:{port}")
    (tmp_path / "kubeconfig").write_text(text)

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(ClusterError, match="does not answer"):
        source.read("admin")


def test_a_pod_reaches_its_own_cluster_by_its_service_account(filled, tmp_path, monkeypatch):
    from kubernetes.config import incluster_config

    token = tmp_path / "token"
    token.write_text("admin-token")
    authority = filled.kubeconfig.parent / "certificates" / "apiserver.crt"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    host, _, port = filled.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    assert "strict" in named(source.read("in-cluster"), "PeerAuthentication")


def test_a_pod_without_a_service_account_is_one_sentence(tmp_path, monkeypatch):

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UsageError, match="in-cluster"):
        source.read("in-cluster")
