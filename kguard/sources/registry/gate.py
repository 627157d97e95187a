# SPDX-License-Identifier: Apache-2.0
"""How much may be asked of one host at once, and when again?

Everybody who asks a host shares its limit and its pauses: one refusal (429, 503) makes all wait as
long as it says (RFC 9110 §10.2.3: seconds or a date), and halves how many ask at once; answers
raise that again, one by one. A host that only refuses, or has never answered, is left alone for the
rest of the run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Condition

from kguard.sources.registry.errors import RegistryError

AT_ONCE = 64
"""Requests to one host at the same time: 7 of 100 ms for each of 1,000 images take 11 s."""
LONGEST_WAIT_SECONDS = 30.0


class Gate:
    """The queue in front of one host; safe to be used by several threads."""

    def __init__(self, limit: int = AT_ONCE) -> None:
        self._changed = Condition()
        self._most = self._limit = limit
        self._since_pause = 0
        self._inside = 0
        self._not_before = 0.0
        self.served = 0
        """Answers that were no refusals."""
        self.closed: RegistryError | None = None
        """Why the host is not asked any more."""

    @contextmanager
    def turn(self, end: float) -> Iterator[bool]:
        """Wait for one's turn, until `end` on the monotonic clock; False where that has passed."""
        admitted = self._wait(end)
        try:
            yield admitted
        finally:
            if admitted:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify()

    def pause(self, seconds: float) -> None:
        """Nobody asks the host for a while, and then fewer at once."""
        with self._changed:
            self._limit = max(self._limit // 2, 1)
            self._since_pause = 0
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def answered(self) -> None:
        """It served somebody."""
        with self._changed:
            self.served += 1
            self._since_pause += 1
            if self._since_pause >= self._limit < self._most:
                self._limit, self._since_pause = self._limit + 1, 0

    def _wait(self, end: float) -> bool:
        with self._changed:
            while (now := time.monotonic()) < end and self.closed is None:
                if self._inside < self._limit and now >= self._not_before:
                    self._inside += 1
                    return True
                until = self._not_before if now < self._not_before else end
                self._changed.wait(min(until, end) - now)
            return False


def wait_of(asked: str, attempt: int) -> float:
    """Seconds to wait after a refusal with this `Retry-After`; without one, longer each time."""
    if asked.isascii() and asked.isdigit():
        return float(asked[:_DIGITS])
    try:
        then = parsedate_to_datetime(asked[:_DATE])
        return max((then - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, IndexError, TypeError):
        return min(float(1 << attempt) / 2, LONGEST_WAIT_SECONDS)


_DIGITS, _DATE = 9, 64
