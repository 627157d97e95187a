# SPDX-License-Identifier: Apache-2.0
"""The recorded repositories, served on loopback by three hosts with the faults that a row names."""

from __future__ import annotations

import gzip
import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.conformance.cosign.vectors import Recorded

HOSTS = ("registry", "token", "mirror")
INDEX = "application/vnd.oci.image.index.v1+json"


class Hosts:
    """Registry, token service and mirror of one row."""

    def __init__(self, row: dict[str, Any], repository: dict[str, Any], content: Any) -> None:
        self.row, self.repository = row, repository
        self.store = Recorded(repository, content)
        self.rules = [dict(rule) for rule in row["rules"]]
        self.requests: list[tuple[str, str, str, str]] = []
        """Host, method, path and `Authorization`."""
        self.over = Event()
        self._servers = {name: self._serve(name) for name in HOSTS}

    def _serve(self, name: str) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Answering", (Handler,), {"hosts": self, "name": name})
        )
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def name(self, host: str) -> str:
        return f"127.0.0.1:{self._servers[host].server_address[1]}"

    def close(self) -> None:
        self.over.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def filled(self, text: str, path: str) -> str:
        for host in HOSTS:
            text = text.replace("{" + host + "}", self.name(host))
        return text.replace("{path}", path)

    def rule(self, host: str, method: str, path: str, authorization: str) -> dict[str, Any]:
        for rule in self.rules:
            if not _applies(rule, host, method, path, authorization):
                continue
            if "times" in rule:
                if rule["times"] < 1:
                    continue
                rule["times"] -= 1
            return rule["respond"]
        return {"normal": True} if host != "token" else {"status": 404}

    def normal(self, target: str, rule: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(target)
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs|referrers)/([^/]+)", url.path)
        if not found or found[1] != self.repository["repository"]:
            return 404, {}, b"{}"
        if found[2] == "referrers":
            return self._referrers(found[3], parse_qs(url.query), rule)
        digest = self.repository["tags"].get(found[3], found[3])
        if digest not in self.repository[found[2]]:
            return 404, {}, b"{}"
        served = dict(self.repository.get("serve_instead") or {}).get(digest, digest)
        headers = {"Docker-Content-Digest": digest}
        if found[2] == "manifests":
            headers["Content-Type"] = self.repository["manifests"][digest]
        return 200, headers, self.store.content[served]

    def _referrers(
        self, digest: str, query: dict[str, list[str]], rule: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        if self.repository["registry_mode"] != "referrers":
            return 404, {"Content-Type": "text/plain"}, b"404 page not found\n"
        found, headers = dict(self.repository["referrers"]).get(digest, []), {"Content-Type": INDEX}
        if count := rule.get("paginate"):
            first = int(query.get("from", ["0"])[0])
            if first + count < len(found):
                name = self.repository["repository"]
                place = f"/v2/{name}/referrers/{digest}?from={first + count}"
                headers["Link"] = f'<{place}>; rel="next"'
            found = found[first : first + count]
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
        return 200, headers, json.dumps(body).encode()


def _applies(rule: dict[str, Any], host: str, method: str, path: str, authorization: str) -> bool:
    if rule["host"] != host or rule.get("method", "*") not in ("*", method):
        return False
    if not re.search(rule["path"], path):
        return False
    wanted = rule.get("authorization")
    if wanted is None:
        return True
    if wanted in ("absent", "present"):
        return (wanted == "present") == bool(authorization)
    return authorization != wanted.removeprefix("not ")


class Handler(BaseHTTPRequestHandler):
    """Answers one request as the first rule that applies says."""

    hosts: Hosts
    name: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self.hosts.requests.append((self.name, self.command, self.path, authorization))
        rule = self.hosts.rule(self.name, self.command, self.path, authorization)
        if rule.get("hang"):
            self.hosts.over.wait(30)
        if rule.get("hang") or rule.get("close"):
            self.close_connection = True
            return
        try:
            self._answer(rule)
        except OSError:
            self.close_connection = True

    do_HEAD = do_POST = do_GET  # noqa: N815 - the base's names

    def _answer(self, rule: dict[str, Any]) -> None:
        if "status" in rule:
            status, headers, body = rule["status"], {}, rule.get("body", "").encode()
        else:
            status, headers, body = self.hosts.normal(self.path, rule)
        headers = {**headers, **rule.get("headers", {})}
        for header in rule.get("drop_headers", ()):
            headers.pop(header, None)
        if rule.get("content_encoding"):
            headers["Content-Encoding"], body = "gzip", gzip.compress(body)
        body += b"\0" * rule.get("append_bytes", 0)
        body = body[: -rule["cut_last"]] if rule.get("cut_last") else body
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, self.hosts.filled(value, self.path))
        self._body(
            rule, self.hosts.filled(body.decode(), self.path).encode() if "body" in rule else body
        )

    def _body(self, rule: dict[str, Any], body: bytes) -> None:
        if rule.get("endless"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            return self._endless(body)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if rule.get("drip"):
            return self._drip(body, rule["byte_every_s"])
        if "truncate_to" in rule:
            body, self.close_connection = body[: rule["truncate_to"]], True
        self.wfile.write(body)
        return None

    def _drip(self, body: bytes, pause: float) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.hosts.over.wait(pause):
                return

    def _endless(self, body: bytes) -> None:
        self.close_connection = True
        zeros = b"\0" * 65536
        until = time.monotonic() + 30
        for piece in chain([body], repeat(zeros)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if self.hosts.over.is_set() or time.monotonic() > until:
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass
