# SPDX-License-Identifier: Apache-2.0
"""How does a server read requests that may be slow, oversized or no HTTP at all?

HTTP/1.1 over TLS with asyncio: just what an API server's webhook client, a kubelet's probe and
Prometheus speak. Every wait and every size has a limit, so that a client that misbehaves costs a
connection for some seconds and nothing else.

Authority: RFC 9112 (messages), RFC 9110 (status codes). Bodies must announce their length.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MAX_HEAD_BYTES = 16 << 10
"""Request line and headers."""
HEAD_SECONDS = 5.0
"""From the first byte of a request to the end of its headers."""
BODY_SECONDS = 5.0
IDLE_SECONDS = 90.0
"""Between two requests; the API server keeps connections for as long."""
WRITE_SECONDS = 5.0
HANDSHAKE_SECONDS = 5.0
STOP_SECONDS = 25.0
"""How long requests may take that were there when the server was told to stop."""


class HttpRequest(dict[str, str]):
    """The headers of one request, by lower-case name, with what else it says."""

    method: str = ""
    path: str = ""
    query: str = ""
    body: bytes = b""
    certified: bool = False
    """Whether the client showed a certificate that the client CA signed."""


@dataclass(frozen=True)
class HttpResponse:
    """What goes back."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Limits:
    """How much a server holds at a time."""

    body: int
    """Bytes of one body."""
    memory: int
    """Bytes of all bodies that are held at a time."""
    connections: int = 256


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """A request that is answered with an error, after which the connection ends."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass
class Server:
    """A listening server; `refused` counts what never became a request, by status."""

    handler: Handler
    limits: Limits
    refused: dict[str, int] = field(default_factory=dict)
    held: int = 0
    """Bytes of bodies in memory."""
    _open: dict[asyncio.Task[None], None] = field(default_factory=dict)
    """Connections, the one that was idle longest first."""
    _busy: set[asyncio.Task[None]] = field(default_factory=set)
    _stopping: bool = False
    _listener: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen; the port that was bound.

        Raises:
            OSError: the address cannot be bound.
        """
        handshake: dict[str, Any] = {"ssl_handshake_timeout": HANDSHAKE_SECONDS} if tls else {}
        self._listener = await asyncio.start_server(
            self._connected, host, port, ssl=tls, limit=MAX_HEAD_BYTES, backlog=512, **handshake
        )
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Accept nothing more, end idle connections, finish the requests that are there."""
        self._stopping = True
        if self._listener:
            self._listener.close()
        for task in self._open.keys() - self._busy:
            task.cancel()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or not self._room():
            self._count("connections")
            writer.transport.abort()
            return
        self._open[task] = None
        try:
            await self._converse(reader, writer, task)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone or silent, or the server stops
        finally:
            self._open.pop(task, None)
            self._busy.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    def _room(self) -> bool:
        """Whether a connection more may be held; the longest idle one makes room if need be."""
        if len(self._open) < self.limits.connections:
            return True
        idle = next((task for task in self._open if task not in self._busy), None)
        if idle is not None:
            self._open.pop(idle)
            idle.cancel()
        return idle is not None

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        lasting, wait = True, HEAD_SECONDS
        while lasting and not self._stopping:
            first = await asyncio.wait_for(reader.readexactly(1), wait)
            wait = IDLE_SECONDS
            self._busy.add(task)
            try:
                lasting = await self._one(first, reader, writer)
            except Refused as refusal:
                lasting = False
                self._count(str(refusal.status.value))
                text = refusal.message.encode() + b"\n"
                await _send(writer, HttpResponse(refusal.status, text), lasting=False)
            self._busy.discard(task)
            self._open.pop(task, None)
            self._open[task] = None

    async def _one(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Read and answer one request; whether the connection lasts."""
        request = _parsed(first + await _head(reader))
        request.certified = bool(writer.get_extra_info("peercert"))
        size = _length(request, self.limits.body)
        if self.held + size > self.limits.memory:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many bodies at a time")
        self.held += size
        try:
            if size and request.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.body = await _within(BODY_SECONDS, reader.readexactly(size))
            response = await self.handler(request)
        finally:
            self.held -= size
        lasting = request.get("connection", "").lower() != "close" and not self._stopping
        await _send(writer, response, lasting=lasting, bodiless=request.method == "HEAD")
        return lasting

    def _count(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


async def _within(seconds: float, reading: Awaitable[bytes]) -> bytes:
    try:
        return await asyncio.wait_for(reading, seconds)
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the request takes too long") from None


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await _within(HEAD_SECONDS, reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers") from None


def _parsed(head: bytes) -> HttpRequest:
    lines = head.decode("latin-1").split("\r\n")
    match lines[0].split(" "):
        case [method, target, "HTTP/1.1" | "HTTP/1.0"] if target.startswith("/"):
            pass
        case _:
            raise Refused(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1")
    headers = HttpRequest()
    for line in filter(None, lines[1:]):
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or name.lower() in _ONCE & headers.keys():
            raise Refused(HTTPStatus.BAD_REQUEST, "a header is malformed")
        headers[name.lower()] = value.strip()
    headers.method = method
    headers.path, _, headers.query = target.partition("?")
    if lines[0].endswith("1.0"):
        headers["connection"] = "close"
    return headers


_ONCE = frozenset({"content-length", "transfer-encoding", "host"})
"""Headers of which two would be read differently by others on the way."""


def _length(headers: Mapping[str, str], most: int) -> int:
    if "transfer-encoding" in headers:
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "a body must say how long it is")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
    size = int(text) if len(text) < len(str(most)) + 2 else most + 1
    if size > most:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most} bytes")
    return size


async def _send(
    writer: asyncio.StreamWriter,
    response: HttpResponse,
    *,
    lasting: bool,
    bodiless: bool = False,
) -> None:
    status = response.status
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {response.kind}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"Connection: {'keep-alive' if lasting else 'close'}\r\n\r\n"
    )
    writer.write(head.encode() + (b"" if bodiless else response.body))
    await asyncio.wait_for(writer.drain(), WRITE_SECONDS)
