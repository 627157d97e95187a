# SPDX-License-Identifier: Apache-2.0
"""A registry in this process, with the faults that a test asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


class FakeRegistry:
    """Serves what is put into it; `login` (name, password) makes it ask for a token."""

    def __init__(self, *, referrers: bool = True, login: tuple[str, str] | None = None) -> None:
        self.content: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.subjects: dict[str, list[str]] = {}
        self.has_referrers = referrers
        self.login = login
        self.faults: list[tuple[int, dict[str, str], bytes]] = []
        """Answers that are given first, one for each request."""
        self.requests: list[tuple[str, str]] = []
        """Path and `Authorization` of each request."""
        self.asked: list[str] = []
        """Method and path of each request."""
        self.delay = 0.0
        """Seconds before each answer."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def put(self, raw: bytes, tag: str = "", subject: str = "") -> str:
        digest = digest_of(raw)
        self.content[digest] = raw
        if tag:
            self.tags[tag] = digest
        if subject:
            self.subjects.setdefault(subject, []).append(digest)
        return digest

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(target)
        if url.path == "/token":
            return self._token(parse_qs(url.query), authorization)
        if self.login and authorization != "Bearer good":
            realm = f'Bearer realm="http://{self.name}/token",service="fake",scope="x"'
            return 401, {"WWW-Authenticate": realm}, b""
        if self.faults:
            return self.faults.pop(0)
        kind, reference = url.path.split("/")[-2:]
        if kind == "referrers":
            return self._referrers(reference)
        raw = self.content.get(self.tags.get(reference, reference))
        return (404, {}, b"{}") if raw is None else (200, {}, raw)

    def _token(
        self, query: dict[str, Any], authorization: str
    ) -> tuple[int, dict[str, str], bytes]:
        pair = base64.b64encode(":".join(self.login or ("", "")).encode()).decode()
        if authorization != f"Basic {pair}" or not query["scope"][0].endswith(":pull"):
            return 401, {}, b""
        return 200, {}, json.dumps({"token": "good", "expires_in": 300}).encode()

    def _referrers(self, digest: str) -> tuple[int, dict[str, str], bytes]:
        if not self.has_referrers:
            return 404, {}, b""
        manifests = [
            {"mediaType": MANIFEST, "digest": found, "size": len(self.content[found])}
            for found in self.subjects.get(digest, [])
        ]
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return 200, {}, json.dumps(body).encode()


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization", "")
            registry.requests.append((self.path, authorization))
            registry.asked.append(f"{self.command} {self.path}")
            time.sleep(registry.delay)
            status, headers, body = registry.answer(self.path, authorization)
            self.send_response(status)
            if status == HTTPStatus.OK and "/manifests/" in self.path:
                self.send_header("Docker-Content-Digest", digest_of(body))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the base's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    return Handler
