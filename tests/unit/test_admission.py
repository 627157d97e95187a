# SPDX-License-Identifier: Apache-2.0
"""Is a request denied for what it brings, and for nothing else?"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from kguard import admission
from kguard.engine.embedded import EmbeddedEngine
from kguard.errors import UsageError
from kguard.model.findings import Incomplete
from kguard.model.manifests import Collected
from kguard.scan import Options, scan
from tests.objects import manifests

CLUSTER = """
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1", ports: [{containerPort: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""
OPEN = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "open"},
    "spec": {"podSelector": {}, "ingress": [{}]},
}


@pytest.fixture(scope="module")
def context():
    options = Options(at=datetime(2026, 11, 30, tzinfo=UTC), layers=("network",))

    def judge(state, asked):
        engine = EmbeddedEngine()
        try:
            return scan(state, options, engine, asked=asked)
        finally:
            engine.close()

    return admission.Context(Collected(manifests=manifests(CLUSTER)), judge)


def review(operation="CREATE", item=None, **fields):
    kind = {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"}
    request = {"uid": "u", "operation": operation, "kind": kind, "namespace": "shop"}
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return admission.read(
        msgspec.json.encode({**body, "request": {**request, "object": item, **fields}})
    )


def test_a_policy_that_opens_everything_is_denied_with_the_reason(context):
    response = admission.decide(review(item=OPEN), context)
    assert not response.allowed
    assert response.uid == "u"
    assert response.status.code == 403
    assert "network/open-to-cluster: any pod in the cluster can open web:80" in (
        response.status.message
    )
    assert "network/open-to-cluster" in response.audit_annotations["findings"]


def test_effects_that_get_weaker_are_warnings(context):
    warnings = admission.decide(review(item=OPEN), context).warnings
    assert any(text.startswith("weaker: Deployment shop/web") for text in warnings)
    assert all(len(text) <= admission.MAX_WARNING for text in warnings)
    assert len(warnings) <= admission.MAX_WARNINGS


def test_deleting_the_policy_that_protects_is_denied(context):
    response = admission.decide(review("DELETE", name="closed"), context)
    assert not response.allowed
    assert "web:80" in response.status.message


def test_a_deleted_collection_names_each_object_by_what_it_was(context):
    """The API server sends one review for each, without a name (DeleteCollection of its store)."""
    closed = manifests(CLUSTER)[2].object
    response = admission.decide(review("DELETE", name="", oldObject=closed), context)
    assert not response.allowed
    assert "web:80" in response.status.message


def test_deleting_what_is_not_there_changes_nothing(context):
    response = admission.decide(review("DELETE", name="no-such"), context)
    assert response == admission.Response("u", allowed=True)


def test_the_same_object_again_changes_nothing(context):
    closed = manifests(CLUSTER)[2].object
    response = admission.decide(review("UPDATE", closed, name="closed"), context)
    assert response == admission.Response("u", allowed=True)


def test_a_mild_finding_warns_and_admits(context):
    mild = admission.Context(context.collected, context.judge, gate="none")
    response = admission.decide(review(item=OPEN), mild)
    assert response.allowed
    assert any("network/open-to-cluster" in text for text in response.warnings)


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("name", ["network/open-to-cluster", "manifests/refused-before-it-ran"])
def test_a_policy_that_fails_is_no_pass(context, allowed, name):
    """Only with `--allow-incomplete`, and then it is said."""
    failed = Incomplete(f"policy {name}", "ran out of time")

    def judge(state, asked):
        judged = context.judge(state, asked)
        report = msgspec.structs.replace(judged.report, findings=(), incomplete=(failed,))
        return msgspec.structs.replace(judged, report=report)

    late = admission.Context(context.collected, judge, allow_unknown=allowed)
    response = admission.decide(review(item=OPEN), late)
    said = f"policy {name} cannot be decided: ran out of time"
    assert response.allowed is allowed
    assert said in (response.warnings if allowed else response.status.message)


def test_before_a_request_only_the_policies_that_find_something_after_it_are_asked(context):
    """And more only where a later request needs more."""
    asked = []

    def judge(state, policies):
        asked.append(policies)
        return context.judge(state, policies)

    counting = admission.Context(context.collected, judge)
    for _ in range(2):
        assert admission.decide(review(item=OPEN), counting) == admission.decide(
            review(item=OPEN), context
        )
    after, before, again = asked
    assert after is None
    assert again is None
    assert "network/open-to-cluster" in before
    counting.before(before | {"network/other"})
    assert asked[3] == before | {"network/other"}
    counting.before()
    counting.before(before)
    assert asked[4:] == [None]


def test_a_request_without_an_object_is_one_sentence(context):
    with pytest.raises(UsageError, match="the request has no object"):
        admission.decide(review(), context)


@pytest.mark.parametrize("fields", [{"subResource": "status"}, {"operation": "CONNECT"}])
def test_what_changes_no_object_is_admitted(context, fields):
    request = review(**{"item": OPEN, **fields})
    assert admission.decide(request, context) == admission.Response("u", allowed=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no AdmissionReview"),
        (b"[]", "no AdmissionReview"),
        (b"{", "no AdmissionReview"),
        (b'{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}', "apiVersion"),
        (b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}', "request"),
        (b"[" * 100_000, "no AdmissionReview"),
        (b" " * (admission.MAX_REVIEW_BYTES + 1), "larger than 16 MiB"),
    ],
)
def test_anything_else_is_one_sentence(data, said):
    with pytest.raises(UsageError, match=said):
        admission.read(data)
