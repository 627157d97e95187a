# SPDX-License-Identifier: Apache-2.0
"""How is a host kept from holding a thread by answering a byte at a time?

A timeout of a socket begins anew with every byte. Bodies are read in pieces with a look at the
clock between them; the head of an answer is read by `http.client` in one go, so that a watchman
shuts down the socket of one that takes too long.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from threading import Lock, Thread
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError

HEAD_SECONDS = 60.0
"""For status and headers of one answer."""
LOOK_SECONDS = 1.0
"""How often the watchman looks."""


class _Watchman:
    """One thread for all connections; it ends with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: dict[int, tuple[float, Any]] = {}
        self._running = False

    @contextlib.contextmanager
    def watching(self, sock: Any) -> Iterator[None]:
        key = id(sock)
        with self._lock:
            self._watched[key] = (time.monotonic() + HEAD_SECONDS, sock)
            if not self._running:
                self._running = True
                Thread(target=self._watch, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                late = self._watched.pop(key, None) is None
        if late:
            # What was read until then would pass for a whole answer.
            message = "the head of an answer took too long"
            raise ReadTimeoutError(None, "", message)  # type: ignore[arg-type]

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                late = [key for key, (end, _) in self._watched.items() if end <= time.monotonic()]
                for key in late:
                    _, sock = self._watched.pop(key)
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)


_WATCHMAN = _Watchman()


class _Plain(HTTPConnection):
    def getresponse(self) -> Any:
        with _WATCHMAN.watching(self.sock):
            return super().getresponse()


class _Encrypted(HTTPSConnection):
    def getresponse(self) -> Any:
        with _WATCHMAN.watching(self.sock):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


POOLS = {"http": _PlainPool, "https": _EncryptedPool}
