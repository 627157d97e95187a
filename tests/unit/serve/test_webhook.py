# SPDX-License-Identifier: Apache-2.0
"""Is every request answered, in time, and never passed over in silence?"""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

import msgspec
import pytest

from kguard import admission
from kguard.engine.embedded import EmbeddedEngine
from kguard.errors import EngineError
from kguard.model.manifests import Collected
from kguard.scan import Options
from kguard.serve.http import HttpRequest
from kguard.serve.settings import Serving, set_up
from kguard.serve.views import MAX_SILENT_SECONDS, View
from kguard.serve.webhook import Webhook, patience
from tests.objects import manifests
from tests.unit.serve.conftest import CLUSTER

OPEN = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "open"},
    "spec": {"podSelector": {}, "ingress": [{}]},
}
OPTIONS = Options(at=datetime(2026, 11, 30, tzinfo=UTC), layers=("network",))


def review(item=OPEN, **fields) -> bytes:
    kind = {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"}
    request = {"uid": "u", "operation": "CREATE", "kind": kind, "namespace": "shop", "object": item}
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return msgspec.json.encode({**body, "request": {**request, **fields}})


def post(body: bytes, path="/validate", query="timeout=30s", method="POST"):
    request = HttpRequest()
    request.method, request.path, request.query, request.body = method, path, query, body
    return request


@pytest.fixture(scope="module")
def setup():
    return set_up(OPTIONS, gate="high", allow_unknown=False, start=EmbeddedEngine)


@pytest.fixture
def webhook(setup):
    """``webhook(mode="warn")`` is a webhook over the small cluster, closed at the end."""
    made = []

    def make(**fields):
        serving = Serving(host="127.0.0.1", port=0, **{"deadline": 29.0, **fields})
        view = View(Collected(manifests=manifests(CLUSTER)))
        made.append(Webhook(serving, view, setup))
        return made[-1]

    yield make
    for each in made:
        each.close()


def answered(webhook, *requests):
    async def whole():
        return await asyncio.gather(*(webhook(request) for request in requests))

    return asyncio.run(whole())


def response(answer):
    assert answer.status == HTTPStatus.OK
    return msgspec.json.decode(answer.body)["response"]


def test_a_denial_is_one_in_enforce_a_warning_in_warn_and_silent_in_dry_run(webhook):
    found = {}
    for mode in ("enforce", "warn", "dry-run"):
        (answer,) = answered(webhook(mode=mode), post(review()))
        found[mode] = response(answer)
    assert not found["enforce"]["allowed"]
    assert "network/open-to-cluster" in found["enforce"]["status"]["message"]
    assert found["warn"]["allowed"]
    assert found["warn"]["warnings"][0].startswith("would be denied: network/")
    assert found["dry-run"] == {
        "uid": "u",
        "allowed": True,
        "auditAnnotations": {
            "findings": found["enforce"]["auditAnnotations"]["findings"],
            "would-deny": "true",
        },
    }


def test_the_server_answers_as_kguard_admit_does(webhook, setup):
    server = webhook()
    engine = EmbeddedEngine()
    options = msgspec.structs.replace(
        OPTIONS, at=datetime.now(UTC).replace(second=0, microsecond=0)
    )
    judge = partial(_judged, engine, options)
    context = admission.Context(Collected(manifests=manifests(CLUSTER)), judge)
    for body in (review(), review(operation="DELETE", name="closed"), review(subResource="status")):
        expected = admission.decide(admission.read(body), context)
        (answer,) = answered(server, post(body))
        assert answer.body == msgspec.json.encode(admission.Answer(expected))
    engine.close()


def _judged(engine, options, state, asked):
    from kguard.scan import scan

    return scan(state, options, engine, asked=asked)


def test_policies_are_compiled_while_the_cluster_is_read(setup):
    started = []

    def start():
        started.append(EmbeddedEngine())
        return started[-1]

    counted = msgspec.structs.replace(setup, start=start)
    server = Webhook(Serving(host="127.0.0.1", port=0), View(), counted)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(server.warm(), 0.05))
    server.close()
    assert len(started) == len({"slice", "whole"})


def test_a_server_looks_for_rubbish_in_cycles_once_it_is_ready(webhook):
    """Commands do not: what each decision leaves would never be free again."""
    before = gc.get_threshold()
    gc.disable()
    try:
        asyncio.run(webhook().warm())
        assert gc.isenabled()
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        gc.enable()


@pytest.mark.parametrize(("otherwise", "allowed"), [("allow", True), ("deny", False)])
def test_nothing_is_decided_by_a_cluster_whose_changes_go_unheard(setup, otherwise, allowed):
    view = View(Collected(manifests=manifests(CLUSTER)))
    server = Webhook(Serving(host="127.0.0.1", port=0, on_timeout=otherwise), view, setup)
    silent = 0.0
    view.follow(lambda: silent)
    heard = response(answered(server, post(review()))[0])
    silent = MAX_SILENT_SECONDS + 1
    unheard = response(answered(server, post(review()))[0])
    server.close()
    assert "undecided" not in heard["auditAnnotations"]
    assert unheard["allowed"] is allowed
    assert "went unheard too long" in unheard["auditAnnotations"]["undecided"]


def test_a_folder_is_as_current_as_it_was_read(setup):
    view = View(Collected(manifests=manifests(CLUSTER)))
    view.lag = lambda: MAX_SILENT_SECONDS + 1
    assert not view.stale


@pytest.mark.parametrize(("otherwise", "allowed"), [("allow", True), ("deny", False)])
def test_a_request_without_time_is_undecided_and_says_so(webhook, otherwise, allowed):
    server = webhook(on_timeout=otherwise, deadline=0.0)
    found = response(*answered(server, post(review())))
    assert found["allowed"] is allowed
    text = "kguard did not judge this: it took too long"
    assert found["auditAnnotations"] == {"undecided": text}
    assert (found["warnings"] == [text]) if allowed else (found["status"]["message"] == text)
    assert 'answer="undecided"' in _metrics(server)


def test_more_requests_than_there_is_room_for_are_undecided_at_once(webhook):
    found = [
        response(a) for a in answered(webhook(concurrent=4), *[post(review()) for _ in range(12)])
    ]
    reasons = [f.get("auditAnnotations", {}).get("undecided", "") for f in found]
    assert sum("too many requests" in reason for reason in reasons) == 8
    assert sum(not f["allowed"] for f in found) == 4


def test_an_engine_that_fails_is_undecided(webhook, setup):
    def broken():
        raise EngineError("no engine here")

    server = webhook()
    server.setup = msgspec.structs.replace(setup, start=broken)
    found = response(*answered(server, post(review())))
    assert found["warnings"] == ["kguard did not judge this: no engine here"]


def _metrics(server):
    (page,) = answered(server, post(b"", "/metrics", method="GET"))
    return page.body.decode()


def test_what_is_no_review_is_a_bad_request(webhook):
    for body in (b"", b"{", b"null", b"[" * 100_000, b'{"kind":"AdmissionReview"}', b"\xff\xfe"):
        (answer,) = answered(webhook(), post(body))
        assert answer.status == HTTPStatus.BAD_REQUEST


def test_it_is_ready_once_the_cluster_was_judged(webhook):
    server = webhook()
    ready = post(b"", "/readyz", method="GET")

    async def whole():
        before = await server(ready)
        await server.warm()
        after = await server(ready)
        server.stopping = True
        return [a.status.value for a in (before, after, await server(ready))]

    assert asyncio.run(whole()) == [503, 200, 503]


def test_other_paths_and_methods(webhook):
    asked = [
        post(b"", "/validate", method="GET"),
        post(b"", "/elsewhere"),
        post(b"", "/healthz", method="GET"),
    ]
    assert [a.status.value for a in answered(webhook(), *asked)] == [405, 404, 200]


def test_without_the_clients_certificate_nothing_is_judged(setup):
    view = View(Collected())
    server = Webhook(Serving(host="", port=0), view, setup, need_certificate=True)
    assert [a.status.value for a in answered(server, post(review()))] == [403]
    server.close()


@pytest.mark.parametrize(
    ("query", "seconds"),
    [("", 8.0), ("timeout=10s", 8.0), ("timeout=5s", 4.0), ("timeout=1s", 0.5), ("timeout=x", 8.0)],
)
def test_the_api_servers_patience_counts(query, seconds):
    assert patience(query, 8.0) == seconds


def test_metrics_are_prometheus_text(webhook):
    server = webhook()
    answered(server, post(review()), post(b"{"))
    lines = _metrics(server).splitlines()
    assert 'kguard_webhook_answers_total{answer="denied",judged="slice"} 1' in lines
    assert 'kguard_webhook_answers_total{answer="malformed",judged="none"} 1' in lines
    assert 'kguard_webhook_duration_seconds_bucket{judged="slice",le="+Inf"} 1' in lines
    assert "kguard_webhook_inventory_objects 3" in lines
    for line in lines:
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2
