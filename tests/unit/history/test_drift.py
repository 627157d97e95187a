# SPDX-License-Identifier: Apache-2.0
"""Does the history tell what changed since the last audit, and since when it is so?"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import msgspec
import pytest

from kguard import history
from kguard.errors import HistoryError
from kguard.history import database as shapes
from kguard.history import recording
from kguard.model.comparison import Change, Comparison, Drift, Expired
from kguard.reporters.drift import heading, lines
from kguard.scan import compute
from kguard.selection import Options
from tests.objects import inventory
from tests.unit.history.test_history import add, finding, place, report, shown, store

__all__ = ["place", "store"]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web, ports: [{containerPort: 8080}]}]}
"""
CLOSED = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""


def facts(text):
    options = Options(at=datetime(2026, 11, 30, tzinfo=UTC), layers=("network",))
    return compute(inventory(text), options)


@pytest.fixture(scope="module")
def isolated():
    return facts(POD + CLOSED)


@pytest.fixture(scope="module")
def open_to_all():
    return facts(POD)


def put(store, day, *findings, run="", at="", **fields):
    document = msgspec.structs.replace(report(day, *findings), **fields)
    if at:
        document = msgspec.structs.replace(document, at=at)
    return history.record(store, document, subject="prod", inputs="i", run=run)


def drift(store, day, *findings, **fields):
    document = msgspec.structs.replace(report(day, *findings), **fields)
    found = history.drift(store, document, "prod")
    return msgspec.structs.replace(document, drift=found)


def test_effects_are_told_with_the_time_since_when(store, isolated, open_to_all):
    put(store, 1, facts=isolated)
    after = drift(store, 2, facts=open_to_all)
    told = [text for _, text in lines(after)]
    assert any("shop/web" in text for text in told)
    put(store, 2, facts=open_to_all)
    put(store, 3, facts=open_to_all)
    first, second, third = history.audits(store)
    change = history.between(store, first, third)
    assert change.effects.weaker or change.effects.opened
    assert {effect.at for effect in change.log} == {second.at}
    assert {(e.target, e.text) for e in change.log} >= {
        (one.target, one.text) for one in change.effects.weaker + change.effects.opened
    }
    assert history.effects_of(store, second) == change.log
    assert history.effects_of(store, third) == []


def test_what_comes_back_and_what_goes_is_told(store):
    put(store, 1, finding("a"), finding("b"))
    put(store, 2, finding("b"))
    after = drift(store, 3, finding("a"), finding("c"))
    assert after.drift.reopened == ("a",)
    assert after.drift.new == ("c",)
    assert [(gone.fingerprint, gone.since) for gone in after.drift.fixed] == [
        ("b", "2026-11-01T12:00:00Z")
    ]
    assert heading(after.drift) == (
        "Since the last audit (2026-11-02T12:00:00Z): 1 new, 1 back, 1 gone."
    )
    assert lines(after) == [
        ("back", "high network/open-to-cluster: any pod can open a"),
        ("new", "high network/open-to-cluster: any pod can open c"),
        ("gone", "high network/open-to-cluster: any pod can open b"),
    ]


def test_an_incomplete_audit_says_of_nothing_that_it_is_gone(store):
    put(store, 1, finding("a"))
    assert drift(store, 2, complete=False).drift.fixed == ()


def test_the_same_change_of_many_is_one_line():
    changes = [Change(f"Pod shop/{number}", "is open") for number in range(9)]
    hidden = Change("Pod shop/web", "is open to a", implied=True)
    found = Drift(
        before="2026-11-01T12:00:00Z",
        effects=Comparison(weaker=(*changes, hidden)),
        new=(),
        reopened=(),
        expired=(),
        fixed=(),
    )
    names = ", ".join(f"Pod shop/{number}" for number in range(6))
    told = lines(msgspec.structs.replace(report(2), drift=found))
    assert told == [("weaker", f"{names} and 3 more: is open")]


def test_the_first_audit_has_nothing_to_compare_with(store):
    assert drift(store, 1, finding("a")).drift is None
    assert lines(drift(store, 1)) == []


@pytest.mark.parametrize(
    ("until", "said"), [("2026-11-01", "2026-11-01"), ("2026-12-31", "")], ids=["expired", "gone"]
)
def test_waivers_that_no_longer_hold_are_told(store, until, said):
    waiver = {"by": "a", "until": until, "reason": "r", "source": "s"}
    put(store, 1, finding("a", state="waived", waiver=waiver))
    after = drift(store, 2, finding("a"))
    assert after.drift.expired == (Expired("a", said),)
    assert after.drift.new == after.drift.reopened == ()
    ((word, text),) = lines(after)
    assert word == "expired"
    assert text.startswith(f"waiver until {said}: high" if said else "waiver withdrawn: high")


def test_of_old_audits_the_facts_go_and_the_changes_stay(store, isolated, open_to_all, monkeypatch):
    monkeypatch.setattr(recording, "FACTS_KEPT", 2)
    put(store, 1, facts=isolated)
    for day in (2, 3, 4):
        put(store, day, finding(str(day)), facts=open_to_all)
    assert len(store.rows("SELECT digest FROM facts")) == 1
    first, *_, last = history.audits(store)
    change = history.between(store, first, last)
    assert change.effects is None
    assert any("shop/web" in effect.target for effect in change.log)


def test_a_run_replaces_its_own_audit(store):
    put(store, 1, finding("a"), run="monday")
    put(store, 2, finding("b"), run="tuesday")
    change = put(store, 3, finding("a"), finding("c"), run="tuesday")
    assert (change.before, change.opened, change.closed) == ("2026-11-01T12:00:00Z", ("c",), ())
    assert [audit.at[8:10] for audit in history.audits(store)] == ["01", "03"]
    kept = shown(store)
    assert kept.keys() == {"a", "c"}
    assert (kept["a"].first_seen[8:10], kept["a"].reopened) == ("01", 0)
    assert store.rows("SELECT fingerprint FROM finding WHERE fingerprint = 'b'") == []


def test_a_run_does_not_replace_what_it_knew_better(store):
    put(store, 1, finding("a"), run="monday")
    put(store, 2, run="monday", complete=False)
    (audit,) = history.audits(store)
    assert (audit.at[8:10], audit.complete) == ("01", True)
    put(store, 3, finding("b"), run="monday")
    assert shown(store).keys() == {"b"}


def test_runs_with_other_names_follow_one_another(store):
    put(store, 2, finding("a"), run="monday")
    with pytest.raises(HistoryError, match="there is an audit of prod"):
        put(store, 1, finding("a"), run="sunday")
    put(store, 3, finding("a"))
    assert len(history.audits(store)) == 2


def test_the_overview_has_the_last_audit_of_each(store):
    add(store, 1, finding("a"), subject="east")
    add(store, 2, finding("a"), finding("b", severity="critical"), subject="east")
    add(store, 2, subject="west", complete=False)
    east, west = history.overview(store)
    assert (east.name, east.at[8:10], east.findings) == ("east", "02", {"critical": 1, "high": 1})
    assert (west.name, west.complete, west.findings) == ("west", False, {})


def test_a_history_of_the_first_shape_is_brought_to_the_newest(tmp_path):
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as connection:
        for statement in shapes.MIGRATIONS[0].split(";"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO audit VALUES"
            " ('prod', '2026-11-01T12:00:00Z', '0.1', 'p', 'i', 'f', 1, 1, 0, 0)"
        )
        connection.execute(
            "INSERT INTO finding VALUES ('prod', 'a', 'network/open-to-cluster', 'network',"
            """ '{"apiVersion":"v1","kind":"Pod","name":"a"}', 'any pod can open a')"""
        )
        connection.execute(
            "INSERT INTO spell VALUES ('prod', 'a', '2026-11-01T12:00:00Z', NULL, 'open', 'high')"
        )
        connection.execute("PRAGMA user_version = 1")
    with history.connect(str(old)) as database:
        assert drift(database, 2, finding("b")).drift.effects is None
        put(database, 2, finding("a"))
        assert shown(database)["a"].since == "2026-11-01T12:00:00Z"
        (row,) = history.overview(database)
        assert row.findings == {"high": 1}
