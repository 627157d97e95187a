# SPDX-License-Identifier: Apache-2.0
"""Does a client that misbehaves cost a connection and nothing else?"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest

from kguard.serve import http
from kguard.serve.http import HttpResponse, Limits, Server

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def posted(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def echo(request):
    return HttpResponse(HTTPStatus.OK, request.method.encode() + b" " + request.body)


def conversing(talk, handler=echo, limits=None):
    """What `talk(server, connect)` returns, with a server on a loopback port."""

    async def whole():
        server = Server(handler, limits or Limits(body=1000, memory=2000))
        port = await server.start("127.0.0.1", 0, None)
        try:
            return await asyncio.wait_for(
                talk(server, lambda: asyncio.open_connection("127.0.0.1", port)), 30
            )
        finally:
            await server.stop()

    return asyncio.run(whole())


async def _said(reader):
    """Status and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(size)


def answer(data: bytes, **options) -> tuple[int, bytes]:
    """The answer to bytes, however they are meant; the connection ends after an error."""

    async def talk(server, connect):
        reader, writer = await connect()
        writer.write(data)
        status, body = await _said(reader)
        if status >= 400:
            assert await reader.read() == b""
        writer.close()
        return status, body

    return conversing(talk, **options)


def test_requests_of_one_connection_are_answered_in_order():
    async def talk(server, connect):
        reader, writer = await connect()
        writer.write(posted(b"one") + posted(b"two") + GET)
        found = [await _said(reader) for _ in range(3)]
        writer.close()
        return found

    assert conversing(talk) == [(200, b"POST one"), (200, b"POST two"), (200, b"GET ")]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (posted(b"x" * 1001), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    ],
)
def test_what_is_no_acceptable_request_is_refused(data, status):
    assert answer(data)[0] == status


@pytest.mark.parametrize(
    ("limit", "data"),
    [
        ("HEAD_SECONDS", b"GET / HTTP/1.1\r\nHost:"),
        ("BODY_SECONDS", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n123"),
    ],
)
def test_a_slow_client_is_told_so_and_left(monkeypatch, limit, data):
    monkeypatch.setattr(http, limit, 0.05)
    assert answer(data)[0] == 408


def test_a_connection_that_says_nothing_ends(monkeypatch):
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.05)

    async def talk(server, connect):
        reader, writer = await connect()
        said = await reader.read()
        writer.close()
        return said

    assert conversing(talk) == b""


def test_an_idle_connection_makes_room_for_a_new_one():
    async def talk(server, connect):
        held = []
        for _ in range(3):
            reader, writer = await connect()
            held.append((reader, writer))
            writer.write(GET)
            assert (await _said(reader))[0] == 200
        gone = await held[0][0].read()
        for _, writer in held:
            writer.close()
        return gone

    assert conversing(talk, limits=Limits(body=1000, memory=2000, connections=2)) == b""


def test_bodies_beyond_the_memory_are_refused_and_room_comes_back():
    async def talk(server, connect):
        waiting = await connect()
        waiting[1].write(b"POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n")
        while not server.held:  # noqa: ASYNC110 - nobody tells when the headers were read
            await asyncio.sleep(0)
        reader, writer = await connect()
        writer.write(posted(b"x" * 200))
        refused = await _said(reader)
        waiting[1].write(b"x" * 900)
        kept = await _said(waiting[0])
        for each in (writer, waiting[1]):
            each.close()
        return refused[0], kept[0], server.held

    assert conversing(talk, limits=Limits(body=1000, memory=1000)) == (503, 200, 0)


def test_stopping_finishes_what_was_begun_and_takes_nothing_more():
    async def talk(server, connect):
        begun, finish = asyncio.Event(), asyncio.Event()

        async def slow(request):
            begun.set()
            await finish.wait()
            return HttpResponse(HTTPStatus.OK, b"done")

        server.handler = slow
        reader, writer = await connect()
        writer.write(GET)
        await begun.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        with pytest.raises(OSError):
            await connect()
        finish.set()
        said = await _said(reader)
        await stopping
        writer.close()
        return said

    assert conversing(talk) == (200, b"done")
