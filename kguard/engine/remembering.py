# SPDX-License-Identifier: Apache-2.0
"""How does a process that judges again and again spare what was judged before?

Policies are functions of their input: the same document has the same answers of each. An engine is
loaded once as long as the policies stay the same, and started anew before it has used up the
processor time that it may use.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from kguard.engine.base import Answers, Batch, Engine, Failure
from kguard.model.findings import Policy

MAX_REMEMBERED_BYTES = 64 << 20
MAX_BUSY_SECONDS = 120.0
"""Well under the processor time of the embedded engine's child."""

Known = dict[str, Answers | Failure | None]
"""The answers on one document by policy; None where the engine left a policy out."""


class RememberingEngine:
    """An engine that is asked only what it was not asked before.

    Args:
        start: gives a fresh engine.
        first: the first one, where it is there already.
        most: bytes of answers that are kept.
    """

    def __init__(
        self,
        start: Callable[[], Engine],
        first: Engine | None = None,
        most: int = MAX_REMEMBERED_BYTES,
    ) -> None:
        self._start, self._most = start, most
        self._engine = first
        self._loaded: tuple[tuple[Policy, ...], dict[str, str]] | None = None
        self._failures: list[Failure] = []
        self._busy = 0.0
        self._known: OrderedDict[bytes, Known] = OrderedDict()
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
            self._known[key] = {}
            self._size += _OVERHEAD
        known = self._known[key]
        self._known.move_to_end(key)
        unknown = tuple(policy for policy in batch.policies if policy.id not in known)
        if unknown:
            self._keep(known, unknown, self._ask(msgspec.structs.replace(batch, policies=unknown)))
        found = [(policy, known[policy.id]) for policy in batch.policies]
        for policy, answer in found:
            if isinstance(answer, Failure):
                self._forget(known, policy.id)  # one that took too long may find time later
        return ((policy, answer) for policy, answer in found if answer is not None)

    def _ask(self, batch: Batch) -> dict[str, Answers | Failure]:
        if self._engine is None:
            raise RuntimeError("no policies are loaded")
        began = time.monotonic()
        try:
            return {policy.id: answer for policy, answer in self._engine.evaluate(batch)}
        finally:
            self._busy += time.monotonic() - began

    def _keep(
        self, known: Known, asked: Sequence[Policy], found: Mapping[str, Answers | Failure]
    ) -> None:
        for policy in asked:
            known[policy.id] = found.get(policy.id)
            self._size += _size(known[policy.id])
        while self._size > self._most and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._size -= _OVERHEAD + sum(map(_size, oldest.values()))

    def _forget(self, known: Known, policy: str) -> None:
        self._size -= _size(known.pop(policy))

    def close(self) -> None:
        """End the engine; what it answered stays known."""
        if self._engine:
            self._engine.close()
        self._engine, self._loaded, self._busy = None, None, 0.0


def _key(batch: Batch) -> bytes:
    digest = hashlib.blake2b(batch.name.encode() + b"\0", digest_size=16)
    digest.update(batch.input)
    return digest.digest()


_OVERHEAD = 400
"""Bytes of an entry beside the answers' text: dictionaries, their keys, the heads of strings."""


def _size(answer: Answers | Failure | None) -> int:
    if answer is None or isinstance(answer, Failure):
        return _OVERHEAD
    return _OVERHEAD + sum(map(len, answer.values()))
