# SPDX-License-Identifier: Apache-2.0
"""How is the child process started, asked and ended?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import msgspec

MEMORY_BYTES = 4 << 30
CPU_SECONDS = 300
WALL_SECONDS = 60
"""Limits of the child; the wall clock counts anew for each answer."""

_CHILD = Path(__file__).with_name("child.py")
_PREFIX = 8
_KILLED = -9
_DEATHS = {
    -6: "it ran out of memory",
    _KILLED: "it ran out of time",
    -11: "it crashed",
    -24: "it used too much processor time",
}


class ChildDied(Exception):  # noqa: N818 - an outcome, not an error for the user
    """The child crashed or was killed; the message says how."""

    def __init__(self, status: int) -> None:
        super().__init__(_DEATHS.get(status, f"it stopped with status {status}"))
        self.timed_out = status == _KILLED


class Answer(msgspec.Struct, frozen=True):
    """The answer to one query: the value's JSON, or regorus' error text."""

    value: bytes | None
    error: str


class _Watch:
    """Kills a process that was waited for too long.

    One thread for all waits: starting one costs the thread that starts it a turn of everybody else.
    """

    _LOOKS = 4
    """How often it looks within the time that is allowed."""

    def __init__(self, seconds: float, kill: Callable[[], None]) -> None:
        self._seconds, self._kill = seconds, kill
        self._since: float | None = None
        self._ended = Event()
        Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._ended.wait(self._seconds / self._LOOKS):
            since = self._since
            if since is not None and monotonic() - since > self._seconds:
                self._kill()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The time of the body counts."""
        self._since = monotonic()
        try:
            yield
        finally:
            self._since = None

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()


class Child:
    """One regorus process."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "RUST_BACKTRACE"}
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._watch = _Watch(wall_seconds, self._process.kill)
        start = {"memory_bytes": MEMORY_BYTES, "cpu_seconds": CPU_SECONDS, "path": _path()}
        with suppress(ChildDied):  # the first question tells
            self._send(json.dumps(start).encode())

    def load(self, modules: Mapping[str, str]) -> dict[str, str]:
        """Compile modules; the error text of each that cannot be compiled.

        Raises:
            ChildDied: the child crashed or ran out of time.
        """
        with self._watch.waiting():
            self._send(json.dumps({"modules": modules}).encode())
            failed: dict[str, str] = json.loads(self._receive())
            return failed

    def evaluate(
        self, document: bytes, queries: Sequence[str], *, singly: bool = True
    ) -> Iterator[tuple[str, Answer]]:
        """Evaluate queries on an input document, and yield each with its answer, in order.

        Args:
            document: JSON.
            queries: paths of rules.
            singly: whether each answer is sent by itself; several at a time cost less.

        Raises:
            ChildDied: the child crashed or ran out of time: if asked singly, at the query after
                those yielded, else at that or a later one.
        """
        with self._watch.waiting():
            self._send(json.dumps({"queries": queries, "singly": singly}).encode(), document)
        for query in queries:
            with self._watch.waiting():
                answer = self._answer()
            yield query, answer

    def _answer(self) -> Answer:
        answer = self._receive()
        text = answer[1:]
        return Answer(text, "") if answer[:1] == b"v" else Answer(None, text.decode())

    def _send(self, *frames: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            raise ChildDied(self._process.wait())
        try:
            for frame in frames:
                stream.write(b"%08x" % len(frame))
                stream.write(frame)
            stream.flush()
        except BrokenPipeError:
            raise ChildDied(self._process.wait()) from None

    def _receive(self) -> bytes:
        stream = self._process.stdout
        head = stream.read(_PREFIX) if stream else b""
        if not stream or len(head) < _PREFIX:
            raise ChildDied(self._process.wait())
        return stream.read(int(head, 16))

    def close(self) -> None:
        """End the child."""
        self._watch.end()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # of what the child never read
                if stream:
                    stream.close()


def _path() -> str:
    """The folder that this process has regorus from: an isolated child knows no PYTHONPATH."""
    spec = find_spec("regorus")
    return str(Path(spec.origin).parents[1]) if spec and spec.origin else ""
