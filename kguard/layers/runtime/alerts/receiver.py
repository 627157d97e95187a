# SPDX-License-Identifier: Apache-2.0
"""How are alerts received over HTTP?

Falco's `http_output` and Falcosidekick's webhook post one JSON object per request
(falcosecurity/falco userspace/falco/outputs_http.cpp). A request is answered with 200 only when
its alert has been handed on; requests that wait are bounded in number, size and time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ssl
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread
from typing import Any

import msgspec

from kguard.errors import SourceError, UsageError
from kguard.layers.runtime.alerts.alert import MAX_EVENT_BYTES
from kguard.layers.runtime.alerts.lines import Entry, Unreadable, entry_of

CONNECTIONS = 64
"""Connections that are served at once; others wait in the kernel's queue."""

IDLE_SECONDS = 30
"""A connection without a request is closed after this time."""

Sink = Callable[[Entry], None]


class Security(msgspec.Struct, frozen=True):
    """Who may post; names of PEM files, empty where not used."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    client_ca: str = ""


class Receiver:
    """An HTTP server that hands every alert to a sink, one at a time.

    Args:
        address: `HOST:PORT`; port 0 takes any free one.
        sink: called for each entry before its request is answered; never by two threads at once.
        security: a token (bearer, or the password of basic authentication) and TLS.

    Raises:
        UsageError: the address makes no sense, or would be open to everybody.
        SourceError: the address cannot be used, or a PEM file is wrong.
    """

    def __init__(self, address: str, sink: Sink, security: Security) -> None:
        host, port = split(address)
        _refuse_open_door(host, security)
        try:
            self._server = _Server((host, port), _handler(sink, security.token))
            if security.certificate:
                context = _context(security)
                self._server.socket = context.wrap_socket(
                    self._server.socket, server_side=True, do_handshake_on_connect=False
                )
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot listen: {error}", where=address) from None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve in the background."""
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()


def split(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPv6]:PORT`.

    Raises:
        UsageError: it is neither.
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > _LAST_PORT:
        raise UsageError(f"{address} is no address", hint="write HOST:PORT, as in 127.0.0.1:2802")
    return host.removeprefix("[").removesuffix("]"), int(port)


_LAST_PORT = 65_535


def _refuse_open_door(host: str, security: Security) -> None:
    if security.token or security.client_ca or _is_loopback(host):
        return
    raise UsageError(
        f"anybody who reaches {host or 'this machine'} could post alerts",
        hint="ask for a token (--token-file) or client certificates (--tls-ca), "
        "or listen on 127.0.0.1",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(security: Security) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(security.certificate, security.key or None)
    if security.client_ca:
        context.load_verify_locations(security.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = BoundedSemaphore(CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that breaks off, or fails the handshake, is no fault of ours."""


def _handler(sink: Sink, token: str) -> type[BaseHTTPRequestHandler]:
    lock = BoundedSemaphore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_SECONDS

        def do_POST(self) -> None:
            self._answer(self._accept())

        def _accept(self) -> HTTPStatus:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit():
                self.close_connection = True
                return HTTPStatus.LENGTH_REQUIRED
            if int(length) > MAX_EVENT_BYTES:
                self.close_connection = True
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            body = self.rfile.read(int(length))
            if not _admitted(self.headers.get("Authorization", ""), token):
                return HTTPStatus.UNAUTHORIZED
            if len(body) < int(length) or self.headers.get("Content-Encoding"):
                return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            return self._take(body)

        def _take(self, body: bytes) -> HTTPStatus:
            found = [entry for line in body.splitlines() for entry in entry_of(line)]
            with lock:
                for entry in found:
                    sink(entry)
            refused = not found or any(isinstance(entry, Unreadable) for entry in found)
            return HTTPStatus.BAD_REQUEST if refused else HTTPStatus.OK

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """What arrives is printed as alerts; there is no access log."""

    return Handler


def _admitted(header: str, token: str) -> bool:
    if not token:
        return True
    scheme, _, credentials = header.partition(" ")
    given = credentials.strip()
    if scheme.casefold() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.casefold() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())
