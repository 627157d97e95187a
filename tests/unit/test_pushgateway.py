# SPDX-License-Identifier: Apache-2.0
"""Do metrics reach a Pushgateway whole, with a login that nobody else sees?"""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from kguard import cli, pushgateway
from kguard.errors import DeliveryError, UsageError

TEXT = "kguard_scan_complete 1\n"


class Gateway(HTTPServer):
    """A server that takes metrics as a Pushgateway does, or answers as it is told."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.status = 200
        self.headers = {}
        self.endless = False
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"text format parsing error\x1b[31m")
        try:
            while self.server.endless:
                self.wfile.write(b"x" * 4096)
        except OSError:
            pass  # the client has gone

    def log_message(self, *arguments):
        pass


@pytest.fixture
def gateway():
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_group_of_the_subject_is_replaced(gateway):
    pushgateway.push(TEXT, gateway.url + "/", "prod", {})
    ((path, headers, body),) = gateway.requests
    assert path == "/metrics/job/kguard/instance/prod"
    assert body == TEXT
    assert headers["Content-Type"].startswith("text/plain")
    assert "Authorization" not in headers


@pytest.mark.parametrize("subject", ["deploy/a", "ü", "", "a\r\nX: y", "../../x", ".", ".."])
def test_a_subject_that_is_no_plain_word_is_coded(gateway, subject):
    pushgateway.push(TEXT, gateway.url, subject, {})
    path = gateway.requests[0][0]
    coded = path.removeprefix("/metrics/job/kguard/instance@base64/")
    assert base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode() == subject


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KGUARD_PUSH_TOKEN": "t0ken"}, "Bearer t0ken"),
        ({"KGUARD_PUSH_TOKEN": "t0ken\n"}, "Bearer t0ken"),
        ({"KGUARD_PUSH_USER": "u", "KGUARD_PUSH_PASSWORD": "p:w"}, "Basic dTpwOnc="),
    ],
)
def test_a_login_comes_from_the_environment_and_is_not_told(gateway, environment, expected):
    gateway.status = 401
    with pytest.raises(DeliveryError) as caught:
        pushgateway.push(TEXT, gateway.url, "prod", environment)
    assert gateway.requests[0][1]["Authorization"] == expected
    assert not any(
        secret in str(caught.value) for secret in environment.values() if len(secret) > 1
    )


def test_an_error_is_told_in_one_clean_sentence(gateway):
    gateway.status = 400
    with pytest.raises(DeliveryError, match=r"took no metrics \(400\): text format") as caught:
        pushgateway.push(TEXT, gateway.url, "prod", {})
    assert "\x1b" not in str(caught.value)


def test_redirects_are_not_followed(gateway):
    gateway.status, gateway.headers = 307, {"Location": "/elsewhere"}
    with pytest.raises(DeliveryError, match="307"):
        pushgateway.push(TEXT, gateway.url, "prod", {"KGUARD_PUSH_TOKEN": "t"})
    assert len(gateway.requests) == 1


def test_nobody_waits_because_the_server_says_so(gateway):
    gateway.status, gateway.headers = 503, {"Retry-After": "3600"}
    with pytest.raises(DeliveryError, match="503"):
        pushgateway.push(TEXT, gateway.url, "prod", {})
    assert len(gateway.requests) == 1


def test_of_an_answer_without_end_the_begin_is_read(gateway):
    gateway.status, gateway.endless = 500, True
    with pytest.raises(DeliveryError, match="500") as caught:
        pushgateway.push(TEXT, gateway.url, "prod", {})
    assert len(str(caught.value)) < 500


def test_nobody_there(gateway, monkeypatch):
    monkeypatch.setattr(pushgateway, "ATTEMPTS", 1)
    with pytest.raises(DeliveryError, match="cannot be reached"):
        pushgateway.push(TEXT, "http://127.0.0.1:1", "prod", {})


@pytest.mark.parametrize(
    ("url", "environment", "problem"),
    [
        ("ftp://x", {}, "no address"),
        ("ftp://u:secret@x", {}, "holds a login"),
        ("https://push.example", {"KGUARD_PUSH_TOKEN": "a\nsecret"}, "no header can"),
        ("https://", {}, "no address"),
        ("https://[x", {}, "cannot be read"),
        ("https://u:secret@push.example", {}, "holds a login"),
        ("http://push.example", {"KGUARD_PUSH_TOKEN": "t"}, "in the clear"),
    ],
)
def test_unusable_addresses_are_refused(url, environment, problem):
    with pytest.raises(UsageError, match=problem) as caught:
        pushgateway.check(url, environment)
    assert "secret" not in str(caught.value)


def _scan(tmp_path, *options, **environment):
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    command = ["scan", str(tmp_path), "-o", "json", "--allow-incomplete", *options]
    return CliRunner().invoke(cli.kguard, command, env=environment, standalone_mode=False)


def test_the_command_pushes_what_the_reporter_says(gateway, tmp_path):
    done = _scan(tmp_path, "--push-metrics", gateway.url, "--subject", "prod")
    assert done.return_value == 0, done.output
    ((path, _, body),) = gateway.requests
    assert path.endswith("/instance/prod")
    assert "kguard_scan_complete 1" in body


def test_offline_excludes_it(gateway, tmp_path):
    done = _scan(tmp_path, "--push-metrics", gateway.url, "--offline")
    assert isinstance(done.exception, UsageError)
    assert gateway.requests == []
