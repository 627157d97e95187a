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
from threading import Condition, Thread
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError

HEAD_SECONDS = 60.0
"""For status and headers of one answer."""


class _Watchman:
    """One thread for all connections; it ends with the process."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._watched: dict[int, tuple[float, Any]] = {}
        self._running = False

    @contextlib.contextmanager
    def watching(self, sock: Any) -> Iterator[None]:
        key = id(sock)
        with self._changed:
            self._watched[key] = (time.monotonic() + HEAD_SECONDS, sock)
            if not self._running:
                self._running = True
                Thread(target=self._watch, daemon=True).start()
            elif len(self._watched) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                late = self._watched.pop(key, None) is None
        if late:
            # What was read until then would pass for a whole answer.
            raise ReadTimeoutError(None, "", "the head of an answer took too long")  # type: ignore[arg-type]

    def _watch(self) -> None:
        with self._changed:
            while True:
                first = min((end for end, _ in self._watched.values()), default=None)
                pause = None if first is None else max(first - time.monotonic(), 0)
                self._changed.wait(pause)
                for end, sock in list(self._watched.values()):
                    if end <= time.monotonic():
                        with contextlib.suppress(OSError):
                            sock.shutdown(socket.SHUT_RDWR)
                        self._watched.pop(id(sock), None)


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
