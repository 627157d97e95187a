# SPDX-License-Identifier: Apache-2.0
"""Is every JSON shape of an alert read, and nothing else?"""

from __future__ import annotations

import json

import pytest

from kguard.layers.runtime.alerts.alert import (
    MAX_EVENT_BYTES,
    NotAnAlertError,
    alert_of,
    nanoseconds,
    parse,
)
from kguard.layers.runtime.alerts.tally import rfc3339

SHELL = {
    "hostname": "node-1",
    "output": "10:00:00.000000001: Notice A shell was spawned",
    "output_fields": {"k8s.ns.name": "shop", "k8s.pod.name": None, "proc.pid": 7},
    "priority": "Notice",
    "rule": "Terminal shell in container",
    "source": "syscall",
    "tags": ["container", "shell"],
    "time": "2026-11-23T10:00:00.000000001Z",
}


def test_a_whole_alert():
    alert = parse(json.dumps(SHELL).encode())
    assert (alert.rule, alert.priority, alert.source) == (SHELL["rule"], "Notice", "syscall")
    assert alert.time == 1_795_428_000_000_000_001
    assert alert.tags == ("container", "shell")
    assert alert.field("k8s.pod.name", "k8s.ns.name") == "shop"
    assert alert.field("proc.pid") == "7"


def test_what_can_be_switched_off_may_be_missing():
    short = {key: SHELL[key] for key in ("priority", "rule", "time")}
    alert = alert_of(short)
    assert (alert.output, alert.tags, alert.fields, alert.hostname) == ("", (), {}, "")
    assert alert.source == "syscall"


def test_messages_of_falco_itself():
    drop = {
        "output": "Falco internal: syscall event drop. 5 system calls dropped",
        "output_fields": {"n_evts": "12", "evt.time": 1795428000000000001},
        "priority": "Debug",
        "rule": "Falco internal: syscall event drop",
        "source": "internal",
        "time": "2026-11-23T10:00:00.000000001Z",
    }
    alert = alert_of(drop)
    assert (alert.source, alert.priority, alert.tags) == ("internal", "Debug", ())


def test_two_ways_of_one_alert_are_one():
    here = alert_of(SHELL)
    fields = {"k8s.ns.name": "shop", "k8s.pod.name": "<NA>", "proc.pid": "7", "evt.time": "9"}
    there = alert_of({**SHELL, "output": "{}", "tags": [], "output_fields": fields})
    assert here.identity == there.identity


@pytest.mark.parametrize(
    "change",
    [
        {"hostname": "node-2"},
        {"rule": "other"},
        {"time": "2026-11-23T10:00:00.000000002Z"},
        {"output_fields": {**SHELL["output_fields"], "proc.pid": 8}},
    ],
)
def test_two_alerts_of_one_nanosecond_are_two(change):
    assert alert_of(SHELL).identity != alert_of({**SHELL, **change}).identity


@pytest.mark.parametrize(
    ("written", "priority"),
    [("Informational", "Informational"), ("info", "Informational"), ("CRITICAL", "Critical")],
)
def test_spellings_of_a_priority(written, priority):
    assert alert_of(SHELL | {"priority": written}).priority == priority


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rule": ""}, "names no rule"),
        ({"rule": 5}, "names no rule"),
        ({"priority": "Fatal"}, "is no priority"),
        ({"priority": None}, "is no priority"),
        ({"time": "yesterday"}, "has no time"),
        ({"time": "2026-02-30T00:00:00Z"}, "has no time"),
    ],
)
def test_an_alert_that_lacks_something(change, reason):
    with pytest.raises(NotAnAlertError, match=reason):
        alert_of(SHELL | change)


def test_the_time_may_stand_in_the_fields():
    fields = {"evt.time": 1_795_428_000_000_000_009}
    assert alert_of(SHELL | {"time": None, "output_fields": fields}).time % 10 == 9
    iso = {"evt.time.iso8601": "2026-11-23T10:00:00.5+02:00"}
    found = alert_of(SHELL | {"time": None, "output_fields": iso}).time
    assert rfc3339(found) == "2026-11-23T08:00:00.500000000Z"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1]", "no JSON object"),
        (b" " * (MAX_EVENT_BYTES + 1), "longer than"),
    ],
)
def test_bytes_that_are_no_alert(data, reason):
    with pytest.raises(NotAnAlertError, match=reason):
        parse(data)


def test_bytes_that_are_no_utf8_are_replaced():
    data = json.dumps(SHELL).encode().replace(b"A shell", b"A \xff\xfe shell")
    assert "\ufffd\ufffd shell" in parse(data).output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.1234567890Z", None),
        ("1970-13-01T00:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("1970-01-01 00:00:00", None),
    ],
)
def test_times(text, expected):
    assert nanoseconds(text) == expected


INTERNAL = {
    "Falco internal: syscall event drop": ("Debug", {"n_drops": "5", "ebpf_enabled": "1"}),
    "Falco internal: timeouts notification": ("Debug", {"last_event_time": "none"}),
    "Falco internal: metrics snapshot": ("Informational", {"falco.version": "0.44.1", "n": 1.5}),
    "Falco internal: capture size limit reached": ("Warning", {"capture.path": "/tmp/x"}),
    "Falco internal: hot restart failure": ("Critical", {}),
}


@pytest.mark.parametrize("rule", sorted(INTERNAL))
def test_every_message_of_falco_itself(rule):
    priority, fields = INTERNAL[rule]
    message = {
        "hostname": "node-1",
        "output": "",
        "output_fields": fields,
        "priority": priority,
        "rule": rule,
        "source": "internal",
        "time": "2026-11-23T10:00:00.000000001Z",
    }
    alert = parse(json.dumps(message).encode())
    assert (alert.rule, alert.priority, alert.source, alert.tags) == (
        rule,
        priority,
        "internal",
        (),
    )
    assert alert.fields == fields


@pytest.mark.parametrize("missing", ["output", "tags", "output_fields", "hostname", "source"])
def test_each_part_that_may_be_switched_off(missing):
    alert = alert_of({key: value for key, value in SHELL.items() if key != missing})
    assert (alert.rule, alert.priority) == (SHELL["rule"], "Notice")


def test_what_other_options_add():
    added = {
        "message": "A shell was spawned",
        "uuid": "0a7c",
        "output_fields": {**SHELL["output_fields"], "team": "shop", "evt.time.iso8601": 7},
    }
    short = {key: value for key, value in SHELL.items() if key != "output"}
    assert alert_of({**short, **added}).output == "A shell was spawned"
    assert alert_of({**SHELL, **added}).field("team") == "shop"


@pytest.mark.parametrize(
    "change",
    [
        {"output": 7},
        {"output": b"\xff".decode(errors="replace")},
        {"tags": "shell"},
        {"tags": [1, None]},
        {"output_fields": []},
        {"source": {}},
        {"hostname": ["x"]},
        {"output_fields": {"k8s.pod.name": {"deep": [1]}}},
    ],
)
def test_hostile_parts_do_not_hide_an_alert(change):
    alert = alert_of({**SHELL, **change})
    assert alert.rule == SHELL["rule"]
    assert alert.identity[0] == alert.time
