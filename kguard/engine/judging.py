# SPDX-License-Identifier: Apache-2.0
"""How are batches judged while the next facts are computed and earlier findings are located?

An engine is another process: one thread hands it the batches, one after the other, and keeps what
it answers until it is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

from kguard.engine.adopted import isolation
from kguard.engine.base import Batch, Engine, Failure, Verdict, verdicts
from kguard.model.findings import Policy, RawFinding


class Judging:
    """An engine at work on the batches of one scan."""

    def __init__(
        self, engine: Engine, policies: Sequence[Policy], libraries: Mapping[str, str]
    ) -> None:
        self.failures: list[Failure] = []
        """The policies that could not be evaluated, complete once `findings` has ended."""
        self._engine = engine
        self._known: SimpleQueue[Verdict | None] = SimpleQueue()
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._loading = self._worker.submit(engine.load, policies, libraries)
        self._tasks: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(cancel_futures=True)

    def submit(self, batch: Batch) -> None:
        """Have a batch judged after those submitted before it."""
        self._tasks.append(self._worker.submit(self._judge, batch))

    def _judge(self, batch: Batch) -> None:
        judge = isolation.judged if batch.name == "adopted" else verdicts
        for verdict in judge(self._engine, batch):
            self._known.put(verdict)

    def findings(self) -> Iterator[list[RawFinding]]:
        """All findings, in portions: whatever is known when the portion before is done with.

        Raises:
            EngineError: the engine does not work at all.
        """
        self._tasks.append(self._worker.submit(self._known.put, None))
        self.failures += self._loading.result()
        while portion := self._portion():
            self.failures += [verdict.failure for verdict in portion if verdict.failure]
            yield [raw for verdict in portion for raw in verdict.raw]
        for task in self._tasks:
            task.result()

    def _portion(self) -> list[Verdict]:
        """All that is known by now, at least one; nothing once everything was told."""
        portion: list[Verdict] = []
        while not (portion and self._known.empty()):
            verdict = self._known.get()
            if verdict is None:
                self._known.put(None)  # for the next portion, which is the empty one
                break
            portion.append(verdict)
        return portion
