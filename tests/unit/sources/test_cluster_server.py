# SPDX-License-Identifier: Apache-2.0
"""Is every way in which an API server can fail unknown with a reason, and never a pass or a crash?

The official client asks a server in this process, over TLS.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from kguard.errors import ClusterError
from kguard.sources import cluster as source
from kguard.sources.cluster import answers, connection, logging_in
from tests.unit.sources import hostile_server
from tests.unit.sources.hostile_server import say, status

PODS, DEPLOYMENTS = "/api/v1/pods", "/apis/apps/v1/deployments"


@pytest.fixture
def server(tmp_path):
    made = hostile_server.Server(tmp_path)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """No test sleeps; the pauses are recorded."""
    taken = []
    _sleeping(monkeypatch, taken.append)
    return taken


def _sleeping(monkeypatch, sleep):
    """Other threads of this process keep the real clock."""
    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
    monkeypatch.setattr(connection, "time", clock)


@pytest.fixture
def read(server, monkeypatch):
    """``read(cluster={...}, token=...)`` is the live source on the server."""

    def run(cluster=None, **user):
        path = server.kubeconfig(cluster, **user)
        monkeypatch.setenv("KUBECONFIG", str(path))
        return source.read("test")

    return run


def names(collected):
    return sorted(manifest.metadata["name"] for manifest in collected.manifests)


def reasons(collected):
    return {entry.feeds[0] if entry.feeds else "": entry.reason for entry in collected.unreadable}


def test_a_server_that_behaves_is_read_whole(read):
    collected = read()
    assert names(collected) == ["pod", "shop", "web"]
    assert collected.unreadable == []


BAD = {
    "an expired token": (say(status(401, "Unauthorized"), 401), "does not know the user"),
    "no right": (say(status(403, "no"), 403), "the verb `list` on `pods` is not granted"),
    "nothing there": (say(status(404, "no such resource"), 404), "no such resource"),
    "an error": (say(status(500, "etcd is away"), 500), "etcd is away"),
    "a busy server": (say(status(429, "later"), 429, Retry_After="1"), "later"),
    "half a document": (say(b'{"items": [{"meta'), "no JSON"),
    "a page of a proxy": (say(b"<html>log in</html>"), "no JSON"),
    "something else": (say({"kind": "Pod"}), "the answer is no list"),
    "a redirection": (say(b"", 302, Location="https://elsewhere.example/"), "HTTP status 302"),
    "an answer without end": (hostile_server.never_end, "longer than 1 MiB"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_resource_that_fails_is_unknown_and_the_others_are_read(
    name, server, read, monkeypatch
):
    monkeypatch.setattr(answers, "MAX_ANSWER_BYTES", 1 << 20)
    server.answers[PODS], words = BAD[name]
    collected = read()
    assert names(collected) == ["shop", "web"]
    reason = reasons(collected)["Pod"]
    assert words in reason
    assert "`list` on `pods`" in reason


def test_a_token_that_never_ends_is_no_list(server, read):
    page = {"metadata": {"continue": "again"}, "items": [{"metadata": {"name": "pod"}}]}
    server.answers[PODS] = say(page)
    assert "does not end" in reasons(read())["Pod"]


def test_a_list_that_expires_begins_again(server, read):
    first = say({"metadata": {"continue": "next"}, "items": [{"metadata": {"name": "old"}}]})
    gone = say(status(410, "expired", metadata={"continue": "newer"}), 410)
    server.answers[PODS] = [first, gone, say({"items": [{"metadata": {"name": "pod"}}]})]
    collected = read()
    assert names(collected) == ["pod", "shop", "web"]
    assert collected.unreadable == []


def test_a_busy_server_is_asked_again_when_it_says(server, read, pauses):
    busy = say(status(429, "later"), 429, Retry_After="3")
    server.answers[PODS] = [busy, hostile_server.WELL[PODS]]
    assert read().unreadable == []
    assert pauses == [3.0]


def test_a_connection_that_breaks_is_tried_again(server, read):
    server.answers[PODS] = [hostile_server.break_off, hostile_server.WELL[PODS]]
    assert read().unreadable == []


def test_a_server_that_restarts_is_waited_for(server, read, monkeypatch):
    def fall(request):
        request.close_connection = True
        threading.Thread(target=stop).start()

    def stop():
        server.stop()
        stopped.set()

    def rise(_seconds):
        with lock:
            assert stopped.wait(30)
            if not server.thread.is_alive():
                server.restart()

    stopped, lock = threading.Event(), threading.Lock()
    server.answers[PODS] = [fall, hostile_server.WELL[PODS]]
    _sleeping(monkeypatch, rise)
    collected = read()
    assert names(collected) == ["pod", "shop", "web"]


def test_a_server_that_dies_leaves_the_rest_unknown(server, read, pauses):
    server.answers[PODS] = server.answers[DEPLOYMENTS] = hostile_server.break_off
    server.answers["/metrics"] = server.answers["/version"] = hostile_server.break_off
    collected = read()
    assert {"Deployment.apps", "Metrics", "Pod"} == reasons(collected).keys()
    assert "does not answer: the connection broke" in reasons(collected)["Pod"]
    assert server.asked["/metrics"] == 0
    assert collected.versions == {}
    assert sum(pauses) <= 2 * sum(connection.RETURN_PAUSES)


def test_a_slow_resource_is_unknown_and_not_asked_again(server, read, monkeypatch):
    monkeypatch.setattr(connection, "READ_SECONDS", 0.2)
    done = threading.Event()
    server.answers[PODS] = lambda _request: done.wait(20)
    collected = read()
    done.set()
    assert "sends nothing in time" in reasons(collected)["Pod"]
    assert names(collected) == ["shop", "web"]
    assert server.asked[PODS] == 1


def test_an_answer_that_trickles_ends(server, read, monkeypatch):
    def trickle(request):
        monkeypatch.setattr(answers, "ANSWER_SECONDS", -1)
        hostile_server.never_end(request)

    server.answers[PODS] = trickle
    assert "does not end within" in reasons(read())["Pod"]


def test_a_line_of_a_watch_that_never_ends_is_given_up(server, monkeypatch):
    monkeypatch.setattr(connection, "MAX_LINE_BYTES", 1 << 20)
    server.answers[PODS] = hostile_server.never_end
    one = connection.connect("test", str(server.kubeconfig(None)))
    with pytest.raises(ClusterError, match="a line is longer than 1 MiB"):
        list(one.lines(PODS, [("watch", "1")], 5.0))


def test_another_certificate_is_named(server, read, tmp_path):
    authority = str(hostile_server.other_authority(tmp_path))
    with pytest.raises(ClusterError, match="its certificate is not trusted"):
        read({"certificate-authority": authority})
    assert server.tokens == set()


def test_discovery_that_tells_nothing_is_no_empty_cluster(server, read):
    server.answers["/apis"] = say({"hello": "world"})
    collected = read()
    assert "the answer to `get` on /apis is no list" in reasons(collected)["*"]


def test_a_group_whose_server_is_away_is_unknown(server, read):
    versions = [{"version": "v1", "freshness": "Stale", "resources": []}]
    items = [
        {"metadata": {"name": name}, "versions": versions} for name in ("apps", "other.example")
    ]
    server.answers["/apis"] = say({"kind": "APIGroupDiscoveryList", "items": items})
    assert reasons(read()) == {
        "*.apps": "the server does not tell what apps has: the server behind it does not answer"
    }


def plugin(tmp_path, text):
    path = tmp_path / "plugin"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1"}


def test_a_program_for_logging_in_is_run(server, read, tmp_path):
    given = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-the-program"},
    }
    collected = read(exec=plugin(tmp_path, f"echo '{json.dumps(given)}'"))
    assert collected.unreadable == []
    assert server.tokens == {"Bearer from-the-program"}


def test_a_program_that_fails_is_one_sentence_without_what_it_said(server, read, tmp_path, caplog):
    failing = plugin(tmp_path, "echo secret-from-stderr >&2; exit 4")
    with pytest.raises(ClusterError, match="process returned 4") as error:
        read(exec=failing)
    assert "secret-from-stderr" not in str(error.value)
    assert server.asked == {}


def test_a_program_that_is_missing_is_one_sentence(read):
    gone = {"command": "/no/such/program", "apiVersion": "client.authentication.k8s.io/v1"}
    with pytest.raises(ClusterError, match="program for logging in"):
        read(exec=gone)


def test_a_program_that_hangs_is_ended_with_what_it_started(read, tmp_path, monkeypatch):
    monkeypatch.setattr(logging_in, "UNATTENDED_SECONDS", 0.5)
    alive = tmp_path / "alive"
    hanging = plugin(tmp_path, f"(sleep 2; touch {alive}) & sleep 60; echo late")
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"no end after 0\.5 seconds"):
        read(exec=hanging)
    assert time.monotonic() - began < 2
    time.sleep(2)
    assert not alive.exists()


def test_a_command_for_tokens_that_hangs_is_no_mistake_of_the_user(read, tmp_path, monkeypatch):
    monkeypatch.setattr(logging_in, "UNATTENDED_SECONDS", 0.5)
    command = plugin(tmp_path, "sleep 60")["command"]
    with pytest.raises(ClusterError, match=r"no end after 0\.5 seconds"):
        read(**{"auth-provider": {"name": "gcp", "config": {"cmd-path": command}}})


def test_a_proxy_is_used(server, read):
    with proxy() as (port, asked):
        assert read({"proxy-url": f"http://127.0.0.1:{port}"}).unreadable == []
        assert asked[0].startswith(f"CONNECT 127.0.0.1:{server.port} ")


def test_a_proxy_that_is_away_is_named(read):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(ClusterError, match="the proxy does not answer"):
            read({"proxy-url": f"http://127.0.0.1:{port}"})


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (PODS, say(b"{"), "`list` on `pods`"),
        ("/api", say(status(401, "Unauthorized"), 401), "does not know the user"),
    ],
)
def test_the_command_ends_with_code_3_and_no_traceback(path, answer, words, server, checkout):
    server.answers[path] = answer
    environment = {
        **os.environ,
        "KUBECONFIG": str(server.kubeconfig()),
        "PYTHONPATH": str(checkout),
    }
    done = subprocess.run(
        [sys.executable, "-m", "kguard", "scan", "--context", "test", "--fail-on", "none"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


class proxy:  # noqa: N801 - reads as a function
    """A proxy that joins two connections, and remembers the first line of each request."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()
        return self.listener.getsockname()[1], self.asked

    def __exit__(self, *_):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near):
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(4096)
        line = head.decode().splitlines()[0]
        self.asked.append(line)
        host, _, port = line.split()[1].rpartition(":")
        far = socket.create_connection((host, int(port)))
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=_copy, args=(near, far), daemon=True).start()
        _copy(far, near)


def _copy(source_, target):
    try:
        while data := source_.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()
