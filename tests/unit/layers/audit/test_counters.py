# SPDX-License-Identifier: Apache-2.0
"""Do counters prove what they can, and nothing more?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory import build
from kguard.layers.audit import LAYER
from kguard.layers.audit.semantics.counters import ENOUGH, counters
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainFile, SourceText, Unreadable

NONE = 'apiserver_audit_level_total{level="None"}'
METADATA = 'apiserver_audit_level_total{level="Metadata"}'
EVENTS = "apiserver_audit_event_total"
SERVER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "kube-apiserver-one", "namespace": "kube-system"},
    "spec": {
        "containers": [
            {
                "name": "kube-apiserver",
                "image": "registry.k8s.io/kube-apiserver:v1.36.3",
                "command": [
                    "kube-apiserver",
                    "--audit-policy-file=/p/a.yaml",
                    "--audit-log-path=-",
                ],
                "volumeMounts": [{"name": "p", "mountPath": "/p"}],
            }
        ],
        "volumes": [{"name": "p", "hostPath": {"path": "/p"}}],
    },
}


@pytest.mark.parametrize(
    ("page", "state"),
    [
        ("", "unknown"),
        ("process_open_fds 12", "unknown"),
        (f"{NONE} 900", "unknown"),
        (f"{EVENTS} 0", "off"),
        (f"{EVENTS} 0\n{NONE} {ENOUGH}", "silent"),
        (f"{EVENTS} 0\n{NONE} {ENOUGH - 1}", "unknown"),
        (f"{EVENTS} 0\n{NONE} {ENOUGH}\n{METADATA} 1", "unknown"),
        (f"{EVENTS} 1\n{NONE} 5", "recording"),
        (f"{EVENTS} 1.5e+06\n{METADATA} 1.5e+06", "recording"),
        (f"{EVENTS} NaN\n{EVENTS} 1e999\n{METADATA} x", "unknown"),
    ],
)
def test_what_a_page_proves(page, state):
    assert counters(page).state == state


def test_counts():
    found = counters(
        f'{EVENTS} 12\n{METADATA} 7\n{NONE} 2\napiserver_audit_error_total{{plugin="log"}} 3\n'
        'apiserver_audit_error_total{plugin="webhook"} 0\napiserver_audit_requests_rejected_total 4'
    )
    assert (found.requests, found.events, found.rejected) == (9, 12, 4)
    assert found.levels == {"Metadata": 7, "None": 2}
    assert found.errors == {"log": 3}


def _facts(pods=1, page=f"{EVENTS} 9\n{METADATA} 9", unreadable=()):
    items = [
        {**SERVER, "metadata": {**SERVER["metadata"], "name": f"kube-apiserver-{number}"}}
        for number in range(pods)
    ]
    collected = Collected(
        manifests=[Manifest(item, SourceText("", 0, 0, "", cluster="c")) for item in items],
        files=[PlainFile("/metrics", page, "c")] if page else [],
        unreadable=list(unreadable),
    )
    request = Request(scope="cluster", at=datetime(2026, 1, 1, tzinfo=UTC))
    return LAYER.facts(build(collected), request)


def test_the_only_server_is_the_one_that_answered():
    (server,) = _facts().servers
    assert (server.how, server.recording, server.counted) == ("pod", "on", "recording")
    assert server.policy == "unknown"
    assert LAYER.coverage(_facts()).state == "unknown"


def test_one_of_several_servers_answered_and_the_others_stay_unknown():
    found = {server.ref.name: server for server in _facts(pods=3).servers}
    assert found["kube-apiserver"].how == "metrics"
    assert found["kube-apiserver"].recording == "on"
    assert [found[f"kube-apiserver-{n}"].recording for n in range(3)] == ["unknown"] * 3


def test_a_page_without_such_counters_adds_nothing():
    assert _facts(pods=0, page="process_open_fds 1").servers == []
    assert _facts(page="process_open_fds 1") == _facts(page="")


def test_a_missing_right_is_named_where_it_leaves_something_unknown():
    reason = "the verb `get` on the path `/metrics` is not granted"
    missing = Unreadable("context c", reason=reason, feeds=("Metrics",))
    facts = _facts(page="", unreadable=[missing])
    assert facts.servers[0].recording == "unknown"
    assert facts.servers[0].because[-1].note.startswith(f"context c: {reason}")
    alone = _facts(pods=0, page="", unreadable=[missing])
    assert (alone.presence, len(alone.unread)) == ("unknown", 1)
