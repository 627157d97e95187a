# SPDX-License-Identifier: Apache-2.0
"""Who checks bundles, where there are many?

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
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import NamedTuple

import msgspec

import kguard
from kguard.layers.images.verification.bundles import Check, check_bundle
from kguard.layers.images.verification.child import LENGTH, Holds, Question, Rejected, framed
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.verify import Checked, Material

FEW = 24
"""Images for which starting a child would cost more than it helps."""
ANSWER_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_CHUNK = 1 << 16
_CHILD = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from kguard.layers.images.verification.child import main; main()"
)
"""Isolated from the environment of whoever runs us; it finds our own code alone."""
_ANSWERS: msgspec.msgpack.Decoder[Holds | Rejected] = msgspec.msgpack.Decoder(Holds | Rejected)
"""Made here once: threads that make msgspec learn a struct of structs at the same time crash it."""


class _Waiting(NamedTuple):
    answer: Future[bytes]
    since: float


class Assistant:
    """Asks a child; safe to be used by several threads.

    Args:
        command: starts the child, where it is another one.
        seconds: how long it may take for one answer.
    """

    def __init__(
        self,
        command: tuple[str, ...] = (),
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._seconds = seconds
        package = Path(kguard.__file__).parent.parent
        own = (sys.executable, "-I", "-c", _CHILD, str(package))
        self._process = subprocess.Popen(
            command or own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._lock = Lock()
        self._root: bytes | None = b""
        self._ended = False
        self._waiting: deque[_Waiting] = deque()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __call__(self, raw: bytes, digest: str, material: Material, *, listed: bool) -> Checked:
        """The answer of the child, or of this process.

        Raises:
            RejectedError: the bundle does not hold.
        """
        answer = self._asked(raw, digest, material, listed=listed)
        if not answer:
            return check_bundle(raw, digest, material, listed=listed)
        found = _ANSWERS.decode(answer)
        if isinstance(found, Rejected):
            raise RejectedError(found.verdict, found.reason)
        return found.checked

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._reader.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _asked(self, raw: bytes, digest: str, material: Material, *, listed: bool) -> bytes:
        waiting = _Waiting(Future(), monotonic())
        with self._lock:
            if self._ended:
                return b""
            self._waiting.append(waiting)
            with suppress(OSError):
                self._send(raw, digest, material, listed=listed)
        return waiting.answer.result()

    def _send(self, raw: bytes, digest: str, material: Material, *, listed: bool) -> None:
        root = material.root.raw if material.root else None
        question = Question(
            raw=raw,
            digest=digest,
            listed=listed,
            root=b"" if root == self._root else root,
            key=material.key.spki if material.key else b"",
            now=material.now,
            requirements=material.requirements,
        )
        if (stream := self._process.stdin) is not None:
            stream.write(framed(msgspec.msgpack.encode(question)))
            stream.flush()
        self._root = root

    def _read(self) -> None:
        """Hand answers to those who wait; whoever gets none asks in this process."""
        try:
            for answer in self._answers():
                self._waiting.popleft().answer.set_result(answer)
        finally:
            self._process.kill()
            with self._lock:
                self._ended = True
            for waiting in self._waiting:
                waiting.answer.set_result(b"")

    def _answers(self) -> Iterator[bytes]:
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
                rest += chunk
                while len(rest) >= LENGTH:
                    end = LENGTH + int.from_bytes(rest[:LENGTH], "big")
                    if len(rest) < end:
                        break
                    yield rest[LENGTH:end]
                    rest = rest[end:]

    def _is_late(self) -> bool:
        with suppress(IndexError):
            return monotonic() - self._waiting[0].since > self._seconds
        return False


@contextmanager
def helped(images: int) -> Iterator[Check]:
    """Who checks the bundles of so many images."""
    if images <= FEW or os.name != "posix" or (os.cpu_count() or 1) == 1:
        yield check_bundle
        return
    assistant = Assistant()
    try:
        yield assistant
    finally:
        assistant.close()
