# SPDX-License-Identifier: Apache-2.0
"""Does the webhook hold beside a real API server: denials, warnings, misuse, its own restart?"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e import live
from tests.unit.serve.conftest import certificate

NAMESPACE = "serve-shop"
OBJECTS = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}, labels: {{judged: "yes"}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {NAMESPACE}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - {{name: web, image: "registry.example/web:1", ports: [{{containerPort: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: closed, namespace: {NAMESPACE}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}
"""
READY_SECONDS = 60.0


class Server:
    """`kguard serve` beside a cluster."""

    def __init__(
        self,
        cluster,
        checkout: Path,
        folder: Path,
        port: int,
        layers: tuple[str, ...] = ("network",),
    ) -> None:
        self.port, self.log = port, folder / "serve.log"
        self.certificate, key = certificate(folder, "serve")
        self._command = [
            *(sys.executable, "-m", "kguard", "serve", "--context", "scanner"),
            *(f"--layer={layer}" for layer in layers),
            *(f"--listen=127.0.0.1:{port}", f"--tls-cert={self.certificate}", f"--tls-key={key}"),
        ]
        self._env = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "KUBECONFIG": str(cluster.kubeconfig),
        }
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._env, stdout=subprocess.DEVNULL, stderr=log
            )

    def get(self, path: str) -> str:
        context = ssl.create_default_context(cafile=self.certificate)
        url = f"https://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return answer.read().decode()

    def wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                self.get("/readyz")
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def registration(server: Server, policy: str = "Ignore") -> dict:
    authority = base64.b64encode(server.certificate.read_bytes()).decode()
    rules = [
        {
            "apiGroups": ["", "apps", "networking.k8s.io"],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": ["pods", "deployments", "networkpolicies"],
        }
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "kguard"},
        "webhooks": [
            {
                "name": "admission.kguard.dev",
                "clientConfig": {
                    "url": f"https://127.0.0.1:{server.port}/validate",
                    "caBundle": authority,
                },
                "rules": rules,
                "namespaceSelector": {"matchLabels": {"judged": "yes"}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 10,
                "failurePolicy": policy,
            }
        ],
    }


@pytest.fixture(scope="module")
def server(cluster, checkout, tmp_path_factory):
    """The webhook, ready and registered, until the end of this file's tests."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "objects.yaml").write_text(OBJECTS)
    grant(cluster, folder)
    cluster.apply(folder / "objects.yaml")
    (port,) = live.free_ports(1)
    running = Server(cluster, checkout, folder, port)
    try:
        running.wait()
        _register(cluster, folder, registration(running))
        _until_asked(cluster, running)
        yield running
    finally:
        cluster.run("delete", "validatingwebhookconfiguration", "kguard", check=False)
        cluster.run("delete", "namespace", NAMESPACE, "--wait=false", check=False)
        running.stop()


def grant(cluster, folder: Path) -> None:
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    kind = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{kind}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "serve-reader"},
        "rules": [rule],
    }
    binding = {
        "apiVersion": f"{kind}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "serve-reader"},
        "roleRef": {"apiGroup": kind, "kind": "ClusterRole", "name": "serve-reader"},
        "subjects": [{"apiGroup": kind, "kind": "User", "name": "scanner"}],
    }
    path = folder / "rights.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]}))
    cluster.apply(path)


def _register(cluster, folder: Path, item: dict) -> None:
    path = folder / "registration.json"
    path.write_text(json.dumps(item))
    cluster.apply(path)


def _until_asked(cluster, server: Server) -> None:
    """The API server takes a moment to know of a registration."""
    until = time.monotonic() + READY_SECONDS
    while 'answers_total{answer="' not in server.get("/metrics"):
        assert time.monotonic() < until
        _create(cluster, _pod("first"), "--dry-run=server")
        time.sleep(0.1)


def _pod(name: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
    }


def _policy(name: str) -> dict:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]},
    }


def _create(cluster, item: dict, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(cluster.kubectl), "--context=admin", "create", "-f", "-", *arguments],
        input=json.dumps(item),
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _there(cluster, kind: str, name: str) -> bool:
    return bool(cluster.run("get", kind, name, "-n", NAMESPACE, "--ignore-not-found"))


def test_what_opens_a_workload_is_denied_and_not_stored(cluster, server):
    done = _create(cluster, _policy("open"))
    assert done.returncode != 0
    assert "network/open-to-cluster" in done.stderr
    assert not _there(cluster, "networkpolicy", "open")


def test_deleting_what_protects_is_denied_and_the_object_stays(cluster, server):
    done = cluster.run("delete", "networkpolicy", "closed", "-n", NAMESPACE, check=False)
    assert not done
    assert _there(cluster, "networkpolicy", "closed")


def test_deleting_a_whole_collection_is_judged_object_by_object(cluster, server):
    path = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"
    assert not cluster.run("delete", "--raw", path, check=False)
    assert _there(cluster, "networkpolicy", "closed")


def test_what_does_no_harm_is_admitted(cluster, server):
    assert _create(cluster, _pod("plain")).returncode == 0
    assert _there(cluster, "pod", "plain")


def test_effects_that_get_weaker_are_told_to_the_user(cluster, server):
    item = _policy("some")
    item["spec"]["ingress"] = [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}]
    done = _create(cluster, item, "--dry-run=server")
    assert done.returncode == 0
    assert "Warning: weaker: Deployment serve-shop/web" in done.stderr


def test_what_is_known_follows_the_cluster(cluster, server):
    before = _objects(server)
    cluster.run("create", "configmap", "seen", "-n", NAMESPACE)
    until = time.monotonic() + READY_SECONDS
    while _objects(server) <= before:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "kguard_webhook_inventory_age_seconds 0" in server.get("/metrics")


def _objects(server: Server) -> int:
    (line,) = [
        line
        for line in server.get("/metrics").splitlines()
        if line.startswith("kguard_webhook_inventory_objects ")
    ]
    return int(line.split()[1])


def _raw(server: Server) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.certificate)
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_clients_that_misbehave_stand_in_nobodys_way(cluster, server):
    slow = [_raw(server) for _ in range(20)]
    for each in slow:
        each.sendall(b"POST /validate HTTP/1.1\r\nContent-Le")
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    with _raw(server) as large:
        large.sendall(b"POST /validate HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        assert large.recv(100).startswith(b"HTTP/1.1 413")
    for body in (b"{", b"\x00" * 1000, b'{"kind": "AdmissionReview"}'):
        with _raw(server) as broken:
            head = b"POST /validate HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
            broken.sendall(head + body)
            assert broken.recv(100).startswith(b"HTTP/1.1 400")
    assert "network/open-to-cluster" in _create(cluster, _policy("open-2")).stderr
    assert _create(cluster, _pod("beside-misuse")).returncode == 0
    for each in (*slow, *silent):
        each.close()


def test_creates_go_on_while_it_is_killed_and_comes_back(cluster, server):
    """With failurePolicy Ignore nothing is blocked; once it is back, harm is denied again."""
    names = [f"burst-{number}" for number in range(40)]
    halves = [names[0::2], names[1::2]]
    failed: list[str] = []

    def create(some: list[str]) -> None:
        for start in range(0, len(some), 5):
            items = [_pod(name) for name in some[start : start + 5]]
            done = _create(cluster, {"apiVersion": "v1", "kind": "List", "items": items})
            if done.returncode:
                failed.append(done.stderr)

    threads = [threading.Thread(target=create, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    server.kill()
    server.start()
    for thread in threads:
        thread.join()
    server.wait()
    assert failed == []
    stored = cluster.run("get", "pods", "-n", NAMESPACE, "-o", "name").split()
    assert {f"pod/{name}" for name in names} <= {*stored}
    assert "network/open-to-cluster" in _create(cluster, _policy("open-3")).stderr
    assert not _there(cluster, "networkpolicy", "open-3")


def test_it_ends_well_when_told_to(server):
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["event"] for line in lines[-2:]] == ["stopping", "stopped"]
    assert not any("bug" in line["event"] for line in lines)
    server.start()
    server.wait()
