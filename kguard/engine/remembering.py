# SPDX-License-Identifier: Apache-2.0
"""How does a process that judges again and again spare what was judged before?

Policies are functions of their input: the same document under the same policies has the same
answers. An engine is loaded once as long as the policies stay the same, and started anew before it
has used up the processor time that it may use.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence

from kguard.engine.base import Answers, Batch, Engine, Failure
from kguard.model.findings import Policy

MAX_REMEMBERED_BYTES = 64 << 20
MAX_BUSY_SECONDS = 120.0
"""Well under the processor time of the embedded engine's child."""

Pairs = list[tuple[Policy, Answers | Failure]]


class RememberingEngine:
    """An engine that is asked only what it was not asked before.

    Args:
        start: gives a fresh engine.
        first: the first one, where it is there already.
    """

    def __init__(self, start: Callable[[], Engine], first: Engine | None = None) -> None:
        self._start = start
        self._engine = first
        self._loaded: tuple[tuple[Policy, ...], dict[str, str]] | None = None
        self._failures: list[Failure] = []
        self._busy = 0.0
        self._known: OrderedDict[bytes, tuple[int, Pairs]] = OrderedDict()
        self._size = 0

    def load(self, policies: Sequence[Policy], libraries: Mapping[str, str]) -> list[Failure]:
        """Compile policies, unless the same ones are compiled already."""
        wanted = (tuple(policies), dict(libraries))
        if wanted == self._loaded and self._busy < MAX_BUSY_SECONDS:
            return list(self._failures)
        if wanted != self._loaded:
            self._known.clear()
            self._size = 0
        if self._engine is None or self._loaded is not None:
            self.close()
            self._engine = self._start()
        self._failures = self._engine.load(policies, libraries)
        self._loaded = wanted
        return list(self._failures)

    def evaluate(self, batch: Batch) -> Iterator[tuple[Policy, Answers | Failure]]:
        """The answers of a batch, remembered or new.

        Raises:
            RuntimeError: nothing was loaded.
        """
        key = _key(batch)
        if key not in self._known:
            self._keep(key, self._ask(batch))
        self._known.move_to_end(key)
        _, found = self._known[key]
        if any(isinstance(answer, Failure) for _, answer in found):
            self._forget(key)  # a policy that took too long may find time later
        return iter(found)

    def _ask(self, batch: Batch) -> Pairs:
        if self._engine is None:
            raise RuntimeError("no policies are loaded")
        began = time.monotonic()
        try:
            return list(self._engine.evaluate(batch))
        finally:
            self._busy += time.monotonic() - began

    def _keep(self, key: bytes, found: Pairs) -> None:
        size = sum(_size(answer) for _, answer in found)
        self._known[key] = (size, found)
        self._size += size
        while self._size > MAX_REMEMBERED_BYTES and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def _forget(self, key: bytes) -> None:
        size, _ = self._known.pop(key)
        self._size -= size

    def close(self) -> None:
        """End the engine; what it answered stays known."""
        if self._engine:
            self._engine.close()
        self._engine, self._loaded, self._busy = None, None, 0.0


def _key(batch: Batch) -> bytes:
    digest = hashlib.blake2b(batch.name.encode(), digest_size=16)
    for policy in batch.policies:
        digest.update(policy.id.encode() + b"\0")
    digest.update(batch.input)
    return digest.digest()


_OVERHEAD = 200
"""Bytes of a pair beside the answers' text."""


def _size(answer: Answers | Failure) -> int:
    if isinstance(answer, Failure):
        return _OVERHEAD
    return _OVERHEAD + sum(map(len, answer.values()))
