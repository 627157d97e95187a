# SPDX-License-Identifier: Apache-2.0
"""How does a test get an API server that misbehaves as told? One in this process, with TLS.

What is not told otherwise is answered well: two kinds of the core group, one of `apps`.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]


def say(value: Any, code: int = 200, **headers: str) -> Answer:
    """An answer with this JSON value, or these bytes."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, text in headers.items():
            request.send_header(name.replace("_", "-"), text)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def break_off(request: BaseHTTPRequestHandler) -> None:
    """Half an answer, then the connection ends."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"items": [')
    request.close_connection = True


def never_end(request: BaseHTTPRequestHandler) -> None:
    """An answer that goes on until the reader has enough."""
    request.send_response(200)
    request.end_headers()
    request.close_connection = True
    with contextlib.suppress(OSError):
        while True:
            request.wfile.write(b" " * (1 << 16))


def status(code: int, message: str, **more: Any) -> dict[str, Any]:
    """A Status object."""
    return {"kind": "Status", "code": code, "message": message, **more}


def _listed(*kinds: str) -> dict[str, Any]:
    entries = [{"name": f"{kind.lower()}s", "kind": kind, "verbs": ["list"]} for kind in kinds]
    return {"kind": "APIResourceList", "resources": entries}


def _items(*names: str) -> dict[str, Any]:
    return {"metadata": {}, "items": [{"metadata": {"name": name}} for name in names]}


_GROUP = {"name": "apps", "preferredVersion": {"version": "v1"}, "versions": [{"version": "v1"}]}
WELL: dict[str, Answer] = {
    "/api": say({"kind": "APIVersions", "versions": ["v1"]}),
    "/api/v1": say(_listed("Pod", "Namespace")),
    "/apis": say({"kind": "APIGroupList", "groups": [_GROUP]}),
    "/apis/apps/v1": say(_listed("Deployment")),
    "/api/v1/pods": say(_items("pod")),
    "/api/v1/namespaces": say(_items("shop")),
    "/apis/apps/v1/deployments": say(_items("web")),
    "/metrics": say(b"apiserver_audit_event_total 7\n"),
    "/version": say({"gitVersion": "v1.36.0"}),
}


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent about clients that hang up."""


class Server:
    """A running server; `answers` may be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, Answer | list[Answer]] = dict(WELL)
        self.asked: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.certificate = _certificate(folder, "server")
        self._listen(0)

    def _listen(self, port: int) -> None:
        self.http = _Listener(("127.0.0.1", port), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Take no more connections."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def restart(self) -> None:
        """Listen again on the same port."""
        self._listen(self.port)

    def answer(self, path: str) -> Answer:
        """What is said to a request; of several answers the last one remains."""
        self.asked[path] += 1
        told = self.answers.get(path, say(status(404, "not found"), 404))
        if isinstance(told, list):
            return told.pop(0) if len(told) > 1 else told[0]
        return told

    def kubeconfig(self, cluster: dict[str, Any] | None = None, **user: Any) -> Path:
        """A kubeconfig with the context `test`."""
        place = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(self.certificate[0]),
            **(cluster or {}),
        }
        config = {
            "clusters": [{"name": "c", "cluster": place}],
            "users": [{"name": "u", "user": user or {"token": "good"}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "test",
        }
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(config))
        return path


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.tokens.add(self.headers.get("Authorization", ""))
            server.answer(urlsplit(self.path).path)(self)

        def log_message(self, *arguments: object) -> None:
            """Be silent."""

    return Handler


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def other_authority(folder: Path) -> Path:
    """A certificate that no server has."""
    return _certificate(folder, "other")[0]
