# SPDX-License-Identifier: Apache-2.0
"""What does an audit log tell besides the policy it comes from?"""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from kguard.layers.audit.semantics import replay
from kguard.layers.audit.semantics.activity import has_credential, kinds
from kguard.layers.audit.semantics.evaluate import evaluate
from kguard.layers.audit.semantics.journal import Journal
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.policy import Policy, Rule
from kguard.layers.audit.semantics.replay import Event
from kguard.layers.audit.semantics.requests import attributes
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import policy as random_policy

ALL = Policy((Rule("Metadata"),))
NIGHT = "2026-01-01T03:00:00.000000Z"


def _event(uri="/api/v1/namespaces/shop/pods/web", **more):
    event = {
        "auditID": "a",
        "stage": "ResponseComplete",
        "level": "Metadata",
        "verb": "get",
        "user": {"username": "joe", "groups": ["dev"]},
        "requestURI": uri,
        "stageTimestamp": NIGHT,
        **more,
    }
    return msgspec.json.decode(json.dumps(event), type=Event)


def _journal(*events, policy=ALL):
    journal = Journal(policy)
    for number, event in enumerate(events):
        journal.feed(event, f"log:{number}")
    return journal


@pytest.mark.parametrize(
    ("method", "uri", "expected"),
    [
        ("GET", "/api/v1/namespaces/a/pods/p/exec?command=id", ("session",)),
        ("POST", "/api/v1/namespaces/a/pods/p/portforward", ("session",)),
        ("GET", "/api/v1/secrets", ("secret-read",)),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", ("grant",)),
        ("DELETE", "/apis/security.istio.io/v1/authorizationpolicies/x", ("istio-change",)),
        ("PATCH", "/api/v1/namespaces/knative-serving/configmaps/c", ("knative-change",)),
        ("PUT", "/api/v1/namespaces/falco/configmaps/falco", ("falco-change",)),
        ("PUT", "/api/v1/namespaces/kube-system/configmaps/kubeadm-config", ("audit-change",)),
        ("PATCH", "/apis/config.openshift.io/v1/apiservers/cluster", ("audit-change",)),
        ("GET", "/apis/security.istio.io/v1/authorizationpolicies/x", ()),
        ("PUT", "/api/v1/namespaces/shop/configmaps/settings", ()),
    ],
)
def test_kinds_of_requests(method, uri, expected):
    assert kinds(attributes(method, uri, "jane"), uri) == expected


def test_the_control_plane_is_not_news():
    for user in ("system:kube-controller-manager", "system:node:one"):
        assert kinds(attributes("GET", "/api/v1/secrets", user), "/api/v1/secrets") == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("command=mysql&command=--password%3Dhunter22", True),
        ("access_token=abcdefgh", True),
        ("command=curl&command=-H&command=Authorization%3A+Bearer+xyz1", True),
        ("command=cat&command=/etc/passwd", False),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8&limit=500", False),
        ("watch=true", False),
    ],
)
def test_credentials_in_the_uri(query, expected):
    assert has_credential(f"/api/v1/namespaces/a/pods/p/exec?{query}") is expected


def test_outcomes_are_counted_once_for_each_request():
    journal = _journal(
        _event(stage="RequestReceived"),
        _event(responseStatus={"code": 403}),
        _event(stage="ResponseStarted", user={}, responseStatus={"code": 401}),
        _event("/api/v1/pods", user={"username": "system:anonymous"}),
        _event("/healthz", user={"username": "system:anonymous"}),
        _event(annotations={"audit.k8s.io/truncated": "true"}),
    )
    assert journal.counts == {"denied": 1, "refused-login": 1, "anonymous": 1, "truncated": 1}
    assert journal.requests == 5


def test_a_wide_grant_is_told_apart():
    uri = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    wide = {"rules": [{"verbs": ["*"], "resources": ["*"], "apiGroups": ["*"]}]}
    narrow = {"rules": [{"verbs": ["get"], "resources": ["pods"], "apiGroups": [""]}]}
    events = [_event(uri, verb="create", requestObject=body) for body in (wide, narrow)]
    assert _journal(*events).counts == {"wide-grant": 1, "grant": 1}


def test_an_exclusion_hides_what_an_impersonator_does():
    policy = Policy((Rule("Metadata", verbs=("get",)), Rule("None", users=("joe",))))
    journal = _journal(_event(impersonatedUser={"username": "admin"}), policy=policy)
    assert list(journal.hidden()) == [("joe", 1)]
    assert journal.counts == {"impersonation": 1}


def test_gaps_and_order():
    journal = _journal(
        _event(),
        _event(stageTimestamp="2026-01-01T03:12:00.000000Z"),
        _event(stageTimestamp="2026-01-01T03:11:59.000000Z"),
        _event(stageTimestamp="garbage"),
    )
    assert journal.gap == (720.0, NIGHT, "2026-01-01T03:12:00.000000Z")
    assert journal.backwards == 1


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(replay, "MAX_OPEN", 3)
    monkeypatch.setattr(replay, "MAX_KNOWN", 3)
    events = [
        _event(f"/api/v1/nodes/n{number}", auditID=str(number), stage="RequestReceived")
        for number in range(9)
    ]
    journal = _journal(*events)
    assert journal.replay.open == 3
    assert journal.replay.forgotten == 6
    assert journal.contradictions == 0


def test_a_request_that_an_earlier_file_announced_is_no_contradiction():
    journal = _journal(_event(stage="RequestReceived", requestReceivedTimestamp=NIGHT))
    journal.replay.begin()
    late = _event(requestReceivedTimestamp="2026-01-01T03:00:01.000000Z")
    assert journal.feed(late, "next:1") is None
    assert journal.replay.open == 0


_PLACES = ("/api/v1/namespaces/shop/pods", "/apis/apps/v1/namespaces/shop/deployments")
_PATHS = ("/healthz", "/healthz/etcd", "/version/x")


def test_remembered_decisions_are_those_of_the_evaluator():
    """Names that no rule mentions share a decision, those that one does have their own."""
    names = ("web", "leader", "other", "third")
    paths = [*_PATHS, *(f"{place}/{name}" for place in _PLACES for name in names)]
    people = ({"username": "jane", "groups": ["dev"]}, {"username": "joe"}, {})
    events = [_event(path, user=user) for path in paths for user in people]
    decided = set()
    for seed in range(150):
        policy = load(random_policy(random.Random(seed)), Version(1, 36)).policy or ALL
        held = replay.Replay(policy)
        for event in events:
            decision = held.known(event).decision
            assert decision == evaluate(policy, replay.request_of(event))
            decided.add((decision.level, decision.rule))
    assert len(decided) > 10
