# SPDX-License-Identifier: Apache-2.0
"""A registry of this process that serves repositories in the shape of the recorded ones."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

INDEX = "application/vnd.oci.image.index.v1+json"


class Registry:
    """Serves repositories by name on loopback, with or without the referrers API each."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._content: dict[str, bytes] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def name(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def add(self, row: dict[str, Any], content: dict[str, bytes]) -> None:
        """Serve a repository."""
        self._rows[row["repository"]] = row
        self._content |= content

    def answer(self, path: str) -> tuple[int, str, bytes, str]:
        """Status, media type, body and digest."""
        parts = path.partition("?")[0].removeprefix("/v2/").rsplit("/", 2)
        row = self._rows.get(parts[0]) if len(parts) == 3 else None
        if row is None:
            return (200 if path == "/v2/" else 404), "application/json", b"{}", ""
        kind, reference = parts[1:]
        if kind == "referrers":
            return _referrers(row, reference)
        digest = row["tags"].get(reference, reference)
        known = row["manifests"] if kind == "manifests" else dict.fromkeys(row["blobs"], "")
        if digest not in known:
            return 404, "application/json", b"{}", ""
        media_type = known[digest] or "application/octet-stream"
        return 200, media_type, self._content[digest], digest


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that ends closes its connections, which is no error of ours."""


def _referrers(row: dict[str, Any], digest: str) -> tuple[int, str, bytes, str]:
    if row["registry_mode"] != "referrers":
        return 404, "text/plain", b"404 page not found", ""
    manifests = row["referrers"].get(digest, [])
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return 200, INDEX, json.dumps(body).encode(), ""


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._respond(body=True)

        def do_HEAD(self) -> None:
            self._respond(body=False)

        def _respond(self, *, body: bool) -> None:
            status, media_type, raw, digest = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(raw)))
            if digest:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if body:
                self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    return Handler
