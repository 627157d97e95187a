# SPDX-License-Identifier: Apache-2.0
"""Do Events tell of critical findings that are new, once, and of no more than a server can bear?"""

from __future__ import annotations

import json

from kguard.model.manifests import ObjectRef
from kguard.reporters import Settings, events, render
from tests.unit.reporters import reports


def items(*findings, known=()):
    settings = Settings(known=frozenset(known))
    return json.loads(render("events", reports.report(*findings), settings))["items"]


def critical(name="web", **fields):
    return reports.finding("network/a", name, severity="critical", **fields)


def test_an_event_lies_beside_its_object():
    (event,) = items(critical())
    assert event["metadata"]["namespace"] == event["regarding"]["namespace"] == "shop"
    assert event["regarding"]["name"] == "web"
    assert (event["type"], event["reason"]) == ("Warning", "CriticalFinding")
    assert event["note"].startswith("network/a: ")


def test_an_event_about_the_cluster_lies_in_the_default_namespace():
    (event,) = items(critical(target=ObjectRef("v1", "Node", "", "node-1")))
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["regarding"]


def test_only_what_is_new_critical_and_open_is_told():
    old = critical("old")
    quiet = [critical("waived", state="waived"), reports.finding("network/a", "high")]
    told = items(old, critical("new"), *quiet, known=[old.fingerprint])
    assert [event["regarding"]["name"] for event in told] == ["new"]


def test_the_same_report_gives_the_same_names():
    names = [event["metadata"]["name"] for event in items(critical("a"), critical("b"))]
    assert names == [event["metadata"]["name"] for event in items(critical("a"), critical("b"))]
    assert len({*names}) == 2


def test_a_flood_ends_with_a_count(monkeypatch):
    monkeypatch.setattr(events, "MAX_EVENTS", 2)
    told = items(*(critical(f"web-{number}") for number in range(5)))
    assert len(told) == 3
    assert told[-1]["note"].startswith("3 more critical findings")


def test_a_note_is_as_short_as_the_server_demands():
    (event,) = items(critical(message="x" * 5000))
    assert len(event["note"]) == events.MAX_NOTE
