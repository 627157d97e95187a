# SPDX-License-Identifier: Apache-2.0
"""Who judges a request: on the part of the cluster that it concerns, or on the whole?

Each judge is one thread with one engine. The one for slices answers in milliseconds; the one for
the whole cluster keeps the state before the request as long as neither cluster nor policies change.
Time counts in whole minutes, so that what was judged a moment ago need not be judged again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import msgspec

from kguard import admission
from kguard.engine.remembering import MAX_REMEMBERED_BYTES, RememberingEngine
from kguard.model.manifests import Collected
from kguard.scan import Judged, scan
from kguard.serve.settings import Setup


class Late(Exception):  # noqa: N818 - an outcome: nobody waits for the answer any more
    """The request's time was up before its turn came."""


class Judge:
    """One thread and one engine.

    Args:
        name: of the thread.
        kept: how many states it keeps as they were before a request.
        answers: bytes of the engine's answers that it keeps.
        beside: whether its engine works while the next facts are computed.
    """

    def __init__(
        self,
        name: str,
        kept: int = 1,
        answers: int = MAX_REMEMBERED_BYTES,
        *,
        beside: bool = True,
    ) -> None:
        self._kept, self._answers, self._beside = kept, answers, beside
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._engine: RememberingEngine | None = None
        self._start: Callable[..., object] | None = None
        self._contexts: OrderedDict[tuple[object, ...], admission.Context] = OrderedDict()

    def submit(
        self,
        request: admission.Request,
        state: Callable[[], Collected],
        setup: Setup,
        *,
        number: object,
        until: float,
    ) -> Future[admission.Response]:
        """Have a request decided in its turn.

        Args:
            request: what somebody wants to do.
            state: gives the state of the cluster to judge it in.
            setup: by what it is judged.
            number: of the state; requests with the same number share what is judged before them.
            until: when nobody waits for the answer any more, as `time.monotonic`.
        """
        work = partial(self._decide, request, state, setup, number, until)
        return self._pool.submit(work)

    def prepare(self, setup: Setup) -> Future[None]:
        """Compile the policies before there is anything to judge."""

        def work() -> None:
            self._running(setup).load(setup.policies.policies, setup.policies.libraries)

        return self._pool.submit(work)

    def warm(self, state: Callable[[], Collected], setup: Setup, number: object) -> Future[None]:
        """Judge a state before the first request asks for it."""

        def work() -> None:
            self._turn_to(state, setup, number).before()

        return self._pool.submit(work)

    def _decide(
        self,
        request: admission.Request,
        state: Callable[[], Collected],
        setup: Setup,
        number: object,
        until: float,
    ) -> admission.Response:
        if time.monotonic() > until:
            raise Late
        return admission.decide(request, self._turn_to(state, setup, number))

    def _turn_to(
        self, state: Callable[[], Collected], setup: Setup, number: object
    ) -> admission.Context:
        at = datetime.now(UTC).replace(second=0, microsecond=0)
        key = (number, setup.digest, at)
        if key not in self._contexts:
            self._contexts[key] = self._fresh(state(), setup, at)
            while len(self._contexts) > self._kept:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(key)
        return self._contexts[key]

    def _fresh(self, state: Collected, setup: Setup, at: datetime) -> admission.Context:
        options = msgspec.structs.replace(setup.options, at=at)
        engine = self._running(setup)

        def judge(collected: Collected, asked: frozenset[str] | None) -> Judged:
            return scan(
                collected, options, engine, setup.policies, beside=self._beside, asked=asked
            )

        return admission.Context(state, judge, gate=setup.gate, allow_unknown=setup.allow_unknown)

    def _running(self, setup: Setup) -> RememberingEngine:
        if self._engine is None or self._start is not setup.start:
            self._end()
            self._engine = RememberingEngine(setup.start, most=self._answers)
            self._start = setup.start
        return self._engine

    def _end(self) -> None:
        if self._engine:
            self._engine.close()

    def close(self) -> None:
        """Let go of what waits, and end the engine after what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._end()
