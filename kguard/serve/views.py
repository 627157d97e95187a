# SPDX-License-Identifier: Apache-2.0
"""In which state of the cluster is a request judged?"""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from kguard.admission import Request
from kguard.model.manifests import Collected


class Part(msgspec.Struct, frozen=True):
    """What a request is judged in."""

    how: str
    """`slice` where a part of the cluster decides as the whole would, else `whole`."""
    number: object
    """The same for the same state."""
    collected: Collected


class View(Protocol):
    """The cluster as it is known now."""

    def ready(self) -> bool:
        """Whether it was read once."""
        ...

    def age(self) -> float:
        """Seconds since it was known to be current."""
        ...

    def size(self) -> int:
        """How many objects it has."""
        ...

    def part(self, request: Request) -> Part:
        """What decides a request."""
        ...

    def whole(self) -> Part:
        """Everything."""
        ...

    def close(self) -> None:
        """Stop following the cluster."""
        ...


class Fixed:
    """A folder or a snapshot: it stays as it was read."""

    def __init__(self, collected: Collected) -> None:
        self._collected = collected
        self._read = time.monotonic()

    def ready(self) -> bool:
        """It was read before the server started."""
        return True

    def age(self) -> float:
        """Seconds since it was read."""
        return time.monotonic() - self._read

    def size(self) -> int:
        """How many objects it has."""
        return len(self._collected.manifests)

    def part(self, request: Request) -> Part:
        """Everything."""
        return self.whole()

    def whole(self) -> Part:
        """Everything."""
        return Part("whole", 0, self._collected)

    def close(self) -> None:
        """Nothing is followed."""
