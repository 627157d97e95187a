# SPDX-License-Identifier: Apache-2.0
"""What came back from an API server: a whole answer, too much, or why nothing did?"""

from __future__ import annotations

import ssl
import time
from typing import Any

from urllib3 import exceptions

MAX_ANSWER_BYTES = 256 << 20
"""Of one answer: 500 objects of half a megabyte. Reading ends here, whatever the server sends."""
ANSWER_SECONDS = 180.0
"""For one answer: a server that sends a byte now and then never reaches the timeout of a read."""
CHUNK = 1 << 20
"""Bytes that are taken at once, if so many are there."""


class TooMuch(Exception):  # noqa: N818 - an answer, not an error of ours
    """The answer is longer, or takes longer, than any that is meant well."""


def whole(response: Any) -> bytes:
    """The body of an answer of the official client.

    Raises:
        TooMuch: it does not end within `MAX_ANSWER_BYTES` and `ANSWER_SECONDS`.
        urllib3.exceptions.HTTPError: the connection broke.
    """
    stream = response.response
    began, body = time.monotonic(), bytearray()
    while chunk := stream.read1(CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            stream.close()
            raise TooMuch(f"the answer is longer than {MAX_ANSWER_BYTES >> 20} MiB")
        if time.monotonic() - began > ANSWER_SECONDS:
            stream.close()
            raise TooMuch(f"the answer does not end within {ANSWER_SECONDS:.0f} seconds")
    stream.release_conn()
    return bytes(body)


_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((exceptions.ProxyError,), "the proxy does not answer"),
    ((exceptions.NameResolutionError,), "its name cannot be resolved"),
    ((exceptions.ConnectTimeoutError,), "it takes no connection in time"),
    ((exceptions.NewConnectionError, ConnectionRefusedError), "it refuses the connection"),
    ((exceptions.ReadTimeoutError, TimeoutError), "it sends nothing in time"),
    ((exceptions.SSLError, ssl.SSLError), "no TLS connection with it"),
    ((exceptions.ProtocolError, OSError), "the connection broke"),
)


def is_slow(error: BaseException) -> bool:
    """Whether the server is there and only this answer is not."""
    return isinstance(error, exceptions.ReadTimeoutError)


def why(error: BaseException) -> str:
    """Why there is no answer, in words of ours: what a library says may hold a token."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
    for kinds, text in _REASONS:
        if isinstance(error, kinds):
            return text
    return type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what it was made of."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, *one.args]
    return found
