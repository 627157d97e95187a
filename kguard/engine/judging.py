# SPDX-License-Identifier: Apache-2.0
"""How are batches judged while the next facts are computed and earlier findings are located?

An engine is another process: one thread hands it the batches, one after the other, and keeps what
it answers until it is fetched. Who judges a handful of objects has nothing to compute meanwhile,
and hands over the batches without a thread (`AtOnce`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, Self, TypeVar

from kguard.engine.adopted import isolation
from kguard.engine.base import Batch, Engine, Failure, Verdict, verdicts
from kguard.model.findings import Policy, RawFinding

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class AtOnce(Executor):
    """Does what it is told before it returns, without a thread."""

    def submit(
        self,
        fn: Callable[_Arguments, _Result],
        /,
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> Future[_Result]:
        """Call a function, and keep what it returns or raises."""
        done: Future[_Result] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the result
            done.set_exception(error)
        return done


class Judging:
    """An engine at work on the batches of one scan.

    Args:
        engine: it is loaded here and left open.
        policies: those that it is asked for.
        libraries: modules that policies import (path -> text).
        worker: what hands it the batches; it is shut down at the end.
    """

    def __init__(
        self,
        engine: Engine,
        policies: Sequence[Policy],
        libraries: Mapping[str, str],
        worker: Executor | None = None,
    ) -> None:
        self.failures: list[Failure] = []
        """The policies that could not be evaluated, complete once `findings` has ended."""
        self._engine = engine
        self._known: SimpleQueue[Verdict | None] = SimpleQueue()
        self._worker = worker or ThreadPoolExecutor(max_workers=1)
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
