# SPDX-License-Identifier: Apache-2.0
"""What does the server answer under which path?

`POST /validate` is the webhook; `/healthz`, `/readyz` and `/metrics` are for kubelet and
Prometheus.

Authority: the API server's client (k8s.io/apiserver plugin/webhook/validating/dispatcher.go) sends
`?timeout=10s`, and takes any other status than 200 as a failure of the webhook.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from urllib.parse import parse_qs

from kguard import admission
from kguard.errors import KguardError, UsageError
from kguard.serve.answers import Outcome, encoded, in_mode, undecided
from kguard.serve.http import HttpRequest, HttpResponse
from kguard.serve.judges import Judge, Late
from kguard.serve.log import log
from kguard.serve.metrics import Metrics
from kguard.serve.settings import Serving, Setup
from kguard.serve.views import How, View

_JSON = "application/json"
_DURATION = re.compile(r"(\d{1,6})(ms|s)")
_MARGIN_SECONDS = 1.0
"""Between our answer and the end of the API server's patience."""
_LEAST_SHARE = 0.5
"""Of a short timeout at least this much is used."""
_WARM_SECONDS = 0.1
"""Between two looks whether the cluster is read."""
_NEW_OBJECTS = 20_000
"""After which they are gone through; a decision makes some ten thousand."""
KEPT = 32
"""States of parts that are kept as they were before a request."""
ANSWERS = 16 << 20
"""Bytes of answers on parts that are kept: most parts are judged once, what they share stays."""
MAX_WHOLE = 4
"""Requests that wait for the judge of the whole cluster, each of which takes seconds."""


class Webhook:
    """Answers requests, and counts what it answered."""

    def __init__(
        self, serving: Serving, view: View, setup: Setup, *, need_certificate: bool = False
    ) -> None:
        self.setup = setup
        self.metrics = Metrics()
        self.stopping = False
        self._warm = False
        self.refused: Callable[[], dict[str, int]] = dict
        self._serving, self._view = serving, view
        self._need_certificate = need_certificate
        self._judges = {
            "slice": Judge("slice", KEPT, ANSWERS, beside=False),
            "whole": Judge("whole"),
        }
        self._running: Counter[str] = Counter()

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        match request.method, request.path:
            case "POST", "/validate":
                return await self._validate(request)
            case _, "/validate":
                return _text(HTTPStatus.METHOD_NOT_ALLOWED, "POST an AdmissionReview")
            case "GET" | "HEAD", "/healthz":
                return _text(HTTPStatus.OK, "ok")
            case "GET" | "HEAD", "/readyz":
                return self._ready()
            case "GET" | "HEAD", "/metrics":
                return HttpResponse(HTTPStatus.OK, self._page(), "text/plain; version=0.0.4")
        return _text(HTTPStatus.NOT_FOUND, "there are /validate, /healthz, /readyz and /metrics")

    def _ready(self) -> HttpResponse:
        if self.stopping:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, "the server stops")
        if not (self._warm and self._view.ready):
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, "the cluster is not read yet")
        return _text(HTTPStatus.OK, "ok")

    async def warm(self) -> None:
        """Be ready once the cluster is read and judged.

        One that cannot be judged is no reason to answer nobody: requests are told the reason.
        """
        for judge in self._judges.values():
            judge.prepare(self.setup)
        while not self._view.ready:  # noqa: ASYNC110 - another thread reads the cluster
            await asyncio.sleep(_WARM_SECONDS)
        part = self._view.whole()
        judging = self._judges["whole"].warm(part.collected, self.setup, part.number)
        try:
            await asyncio.wrap_future(judging)
        except KguardError as error:
            log("error", "not judged", reason=str(error))
        _tidy_up()
        self._warm = True
        log("info", "ready", objects=self._view.size)

    async def _validate(self, request: HttpRequest) -> HttpResponse:
        if self._need_certificate and not request.certified:
            return _text(HTTPStatus.FORBIDDEN, "a certificate of the client CA is needed")
        began = time.monotonic()
        try:
            asked = admission.read(request.body)
        except UsageError as error:
            log("warning", "malformed", reason=error.message)
            self.metrics.answered("malformed", "none", time.monotonic() - began)
            return _text(HTTPStatus.BAD_REQUEST, error.message)
        until = began + patience(request.query, self._serving.deadline)
        response, outcome, how = await self._answer(asked, until)
        seconds = time.monotonic() - began
        self.metrics.answered(outcome, how, seconds)
        _tell(asked, response, outcome, how, seconds)
        return HttpResponse(HTTPStatus.OK, encoded(response), _JSON)

    async def _answer(
        self, asked: admission.Request, until: float
    ) -> tuple[admission.Response, Outcome, str]:
        how: How = "none"
        try:
            if not self._view.ready:
                return self._undecided(asked, "the cluster is not read yet", how)
            if self._view.stale:
                return self._undecided(asked, "changes of the cluster went unheard too long", how)
            part = self._view.part(asked, sliced=self.setup.sliced)
            how = part.how
            if how == "none":
                return admission.Response(asked.uid, allowed=True), "admitted", how
            if self._full(how):
                return self._undecided(asked, "too many requests at a time", how)
            judging = self._judges[how].submit(
                asked, part.collected, self.setup, number=part.number, until=until
            )
            decision = await self._waited(judging, how, until)
            return (*in_mode(decision, self._serving.mode), how)
        except (TimeoutError, Late):
            return self._undecided(asked, "it took too long", how)
        except KguardError as error:
            return self._undecided(asked, error.message, how)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not stand in anybody's way
            log("error", "bug", uid=asked.uid, reason=f"{type(error).__name__}: {error}")
            return self._undecided(asked, "an error in kguard", how)

    def _full(self, how: str) -> bool:
        most = MAX_WHOLE if how == "whole" else self._serving.concurrent
        return self._running[how] >= most

    async def _waited(
        self, judging: Future[admission.Response], how: str, until: float
    ) -> admission.Response:
        """The decision; the judge is not free before it is done, even if nobody waits any more."""
        self._running[how] += 1
        task = asyncio.wrap_future(judging)
        task.add_done_callback(lambda done: self._done(done, how))
        return await asyncio.wait_for(asyncio.shield(task), max(0.0, until - time.monotonic()))

    def _done(self, task: asyncio.Future[admission.Response], how: str) -> None:
        self._running[how] -= 1
        if not task.cancelled():
            task.exception()  # it was told to whoever still waited

    def _undecided(
        self, asked: admission.Request, reason: str, how: str
    ) -> tuple[admission.Response, Outcome, str]:
        mode, otherwise = self._serving.mode, self._serving.on_timeout
        return undecided(asked.uid, reason, mode, otherwise), "undecided", how

    def _page(self) -> bytes:
        ready = self._view.ready
        gauges = {
            "inventory_objects": ("Objects that are known of the cluster.", self._view.size),
            "inventory_age_seconds": (
                "Seconds since the cluster was known to be current.",
                self._view.lag() if ready else 0.0,
            ),
            "ready": ("1 once the cluster was read.", float(ready)),
            "requests_running": ("Admission requests under way.", self._running.total()),
        }
        return self.metrics.page(gauges, self.setup.digest, Counter(self.refused())).encode()

    def close(self) -> None:
        """End the judges."""
        for judge in self._judges.values():
            judge.close()


def _tidy_up() -> None:
    """Look for rubbish in cycles from now on, which commands do not: a server runs for weeks.

    What is known of the cluster stays, and is not gone through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    gc.enable()


def patience(query: str, deadline: float) -> float:
    """Seconds within which the answer is useful: ours, or somewhat less than the API server's."""
    told = _DURATION.fullmatch(parse_qs(query).get("timeout", [""])[0])
    if not told:
        return deadline
    seconds = int(told[1]) / (1000 if told[2] == "ms" else 1)
    return min(deadline, max(seconds - _MARGIN_SECONDS, seconds * _LEAST_SHARE))


def _text(status: HTTPStatus, text: str) -> HttpResponse:
    return HttpResponse(status, text.encode() + b"\n")


def _tell(
    asked: admission.Request,
    response: admission.Response,
    outcome: Outcome,
    how: str,
    seconds: float,
) -> None:
    log(
        "warning" if outcome in ("denied", "undecided") else "info",
        "answered",
        uid=asked.uid,
        operation=asked.operation,
        kind=f"{asked.kind.kind}.{asked.kind.group}".rstrip("."),
        namespace=asked.namespace,
        name=asked.subject_name,
        answer=outcome,
        allowed=response.allowed,
        judged=how,
        policies=response.audit_annotations.get("findings", ""),
        reason=response.audit_annotations.get("undecided", ""),
        milliseconds=round(seconds * 1000, 1),
    )
