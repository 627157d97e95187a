# SPDX-License-Identifier: Apache-2.0
"""Who asks `sigstore`, where there is much to verify?

A child process does, so that its work and ours use two processors. Questions are sent ahead, and
answered in their order. A child that ends, or does not answer for a minute, is replaced by this
process: it changes nothing but the time that is needed.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from time import monotonic
from typing import NamedTuple, Protocol

from kguard.layers.images.verification import opinion as child

FEW = 24
"""Images for which starting a child would cost more than it helps."""
ANSWER_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_CHUNK = 1 << 16


class Opinion(Protocol):
    """Asks `sigstore` about a bundle: `verification.opinion.opinion`."""

    def __call__(self, root: bytes, bundle: bytes, digest: bytes) -> str:
        """Why it is not accepted; empty where it is."""
        ...


class _Waiting(NamedTuple):
    answer: Future[str | None]
    since: float


class Assistant:
    """Asks a child; safe to be used by several threads.

    Args:
        command: starts the child.
        seconds: how long it may take for one answer.
    """

    def __init__(
        self,
        command: tuple[str, ...] = (sys.executable, "-I", str(child.__file__)),
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._lock = Lock()
        self._root = b""
        self._ended = False
        self._waiting: deque[_Waiting] = deque()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __call__(self, root: bytes, bundle: bytes, digest: bytes) -> str:
        """The answer of the child, or of this process."""
        answer = self._asked(root, bundle, digest)
        return child.opinion(root, bundle, digest) if answer is None else answer

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._reader.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _asked(self, root: bytes, bundle: bytes, digest: bytes) -> str | None:
        waiting = _Waiting(Future(), monotonic())
        with self._lock:
            if self._ended:
                return None
            self._waiting.append(waiting)
            with suppress(OSError):
                self._send(b"" if root == self._root else root, bundle, digest)
                self._root = root
        return waiting.answer.result()

    def _send(self, *parts: bytes) -> None:
        stream = self._process.stdin
        if stream is not None:
            stream.write(b" ".join(b"%x" % len(part) for part in parts) + b"\n" + b"".join(parts))
            stream.flush()

    def _read(self) -> None:
        """Hand answers to those who wait; whoever gets none asks in this process."""
        try:
            for line in self._lines():
                self._waiting.popleft().answer.set_result(line.decode())
        finally:
            self._process.kill()
            with self._lock:
                self._ended = True
            for waiting in self._waiting:
                waiting.answer.set_result(None)

    def _lines(self) -> Iterator[bytes]:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while not self._is_late():
                if not selector.select(_LOOK_SECONDS):
                    continue
                chunk = os.read(stream.fileno(), _CHUNK)
                if not chunk:
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines

    def _is_late(self) -> bool:
        with suppress(IndexError):
            return monotonic() - self._waiting[0].since > self._seconds
        return False


@contextmanager
def helped(images: int) -> Iterator[Opinion]:
    """Who is asked about the bundles of so many images."""
    if images <= FEW or os.name != "posix" or (os.cpu_count() or 1) == 1:
        yield child.opinion
        return
    assistant = Assistant()
    try:
        yield assistant
    finally:
        assistant.close()
