# SPDX-License-Identifier: Apache-2.0
"""Does a live scan prove by a running Falco's own metrics which rules it has loaded?

The pages come over the proxy for pods of a real API server, which takes no loopback address for a
pod's: the stand-in for Falco's web server listens on another address of this machine.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.e2e import live

RULES = """\
- rule: Shell in a container
  desc: A shell.
  condition: evt.type = execve and container.id != host and proc.name = bash and proc.tty != 0
  output: Shell | command=%proc.cmdline
  priority: NOTICE
"""
CONFIG = """\
rules_files: [/etc/falco/rules.d]
load_plugins: [container]
plugins: [{name: container, library_path: libcontainer.so}]
"""
_IN = ("-n", "falco-live")
NAME = "falcosecurity_falco_sha256_rules_files_info"


def page_of(rules: str) -> bytes:
    digest = sha256(rules.encode()).hexdigest()
    return (
        f'{NAME}{{file_name="rules.yaml",sha256="{digest}"}} 1\n'
        'falcosecurity_falco_version_info{version="0.44.1"} 1\n'
        "falcosecurity_falco_start_timestamp_nanoseconds 1\n"
    ).encode()


class WebServer(ThreadingHTTPServer):
    """Falco's web server, as far as its metrics go."""

    daemon_threads = True
    page = b""
    missing = 0
    """Bytes that are announced and never come."""


class Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        self.send_response(200 if self.server.page and self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(self.server.page) + self.server.missing))
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_: Any) -> None:
        """Nothing goes to the terminal."""


def _own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if found.startswith("127.") else found


@pytest.fixture(scope="module")
def falco() -> Iterator[WebServer]:
    address = _own_address()
    if not address:
        pytest.skip("this machine has no address but loopback; the API server proxies to none")
    server = WebServer((address, 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def watched(cluster: live.Cluster, falco: WebServer, tmp_path_factory) -> live.Cluster:
    """The cluster with a DaemonSet of Falco and its one pod, which runs where `falco` listens."""
    container = {
        "name": "falco",
        "image": "docker.io/falcosecurity/falco:0.44.1",
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": falco.server_address[1]}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/falco"},
            {"name": "rules", "mountPath": "/etc/falco/rules.d"},
        ],
    }
    spec = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [
            {"name": "config", "configMap": {"name": "falco"}},
            {"name": "rules", "configMap": {"name": "falco-rules"}},
        ],
    }
    labels = {"app": "falco"}
    items = [
        _object("v1", "Namespace", "falco-live"),
        _object("v1", "ServiceAccount", "default"),
        _object("v1", "ConfigMap", "falco", data={"falco.yaml": CONFIG}),
        _object("v1", "ConfigMap", "falco-rules", data={"rules.yaml": RULES}),
        _object(
            "apps/v1",
            "DaemonSet",
            "falco",
            spec={
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        ),
    ]
    path = tmp_path_factory.mktemp("falco") / "objects.json"
    for item in items:
        path.write_text(json.dumps(item))
        cluster.apply(path)
    uid = cluster.run(*_IN, "get", "daemonset", "falco", "-o", "jsonpath={.metadata.uid}")
    pod = _object("v1", "Pod", "falco-x7k2p", spec={**spec, "nodeName": "worker"})
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "falco", "uid": uid}
    pod["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    path.write_text(json.dumps(pod))
    cluster.apply(path)
    address = falco.server_address[0]
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    cluster.run(
        *(*_IN, "patch", "pod", "falco-x7k2p", "--subresource=status"),
        *("--type=merge", "-p", json.dumps({"status": status})),
    )
    return cluster


def _object(version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "falco-live"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


@pytest.fixture
def scanned(watched: live.Cluster, kguard):
    """The report of a live scan as a user of the cluster."""

    def scan(user: str = "admin") -> dict[str, Any]:
        done = kguard(
            *("scan", "--context", user, "--layer", "runtime", "--falco-metrics", "-o", "json"),
            *("-n", "falco-live"),
            env={"KUBECONFIG": str(watched.kubeconfig)},
        )
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(done.stdout)

    return scan


def findings(report: dict[str, Any], policy: str) -> list[str]:
    return [one["message"] for one in report["findings"] if one["policy"] == policy]


def reasons(report: dict[str, Any]) -> str:
    return " ".join(one["reason"] for one in report["incomplete"])


def test_the_loaded_rules_are_those_of_the_objects(falco, scanned):
    falco.page, falco.missing = page_of(RULES), 0
    report = scanned()
    assert findings(report, "runtime/rules-not-as-written") == []
    assert any("required attacks" in text for text in findings(report, "runtime/detection-missing"))


def test_other_rules_than_those_of_the_objects_are_loaded(falco, scanned):
    falco.page, falco.missing = page_of("- rule: another\n"), 0
    report = scanned()
    (message,) = findings(report, "runtime/rules-not-as-written")
    assert "rules.yaml" in message
    (unsure,) = findings(report, "runtime/detection-missing")
    assert unsure.startswith("cannot tell")


def test_an_answer_that_breaks_off_proves_nothing(falco, scanned):
    falco.page, falco.missing = page_of(RULES)[:60], 500
    report = scanned()
    assert findings(report, "runtime/rules-not-as-written") == []
    assert not report["complete"]
    assert "falco-x7k2p" in reasons(report)


def test_a_falco_without_metrics_says_so(falco, scanned):
    falco.page, falco.missing = b"", 0
    assert "Falco serves no metrics" in reasons(scanned())


def test_who_may_not_use_the_proxy_is_told_which_right_is_missing(falco, watched, scanned):
    falco.page, falco.missing = page_of(RULES), 0
    resources = "configmaps,daemonsets.apps,namespaces,nodes,pods"
    role = ("clusterrole", "falco-reader")
    watched.run("create", *role, "--verb=get,list", f"--resource={resources}")
    grant = ("--clusterrole=falco-reader", "--user=stranger")
    watched.run("create", "clusterrolebinding", "falco-reader", *grant)
    assert "the verb `get` on `pods/proxy` is not granted" in reasons(scanned("stranger"))
