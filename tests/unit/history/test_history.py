# SPDX-License-Identifier: Apache-2.0
"""Does the history tell when a finding came, went and came back, and never lose an audit?"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime

import msgspec
import pytest

from kguard import history
from kguard.errors import HistoryError
from kguard.history import database as shapes
from kguard.model.findings import Finding, Policy, Report
from kguard.model.manifests import ObjectRef


def finding(name: str, **fields) -> Finding:
    values = {
        "fingerprint": name,
        "policy": "network/open-to-cluster",
        "layer": "network",
        "severity": "high",
        "state": "open",
        "target": ObjectRef("apps/v1", "Deployment", "shop", name),
        "path": "",
        "message": f"any pod can open {name}",
        "locations": (),
        "evidence": (),
        "remedy": "",
        "controls": (),
    }
    return Finding(**{**values, **fields})


def policy(name: str) -> Policy:
    empty = {
        field.name: field.type() if field.type in (str, bool, tuple, dict) else ""
        for field in msgspec.structs.fields(Policy)
    }
    return Policy(**{**empty, "id": name, "text": f"package {name}"})


def report(day: int, *findings: Finding, complete=True, ran=("network/open-to-cluster",)) -> Report:
    return Report(
        findings=findings,
        complete=complete,
        incomplete=(),
        coverage={},
        not_evaluated=(),
        assumed={},
        scope="cluster",
        at=f"2026-11-{day:02}T12:00:00Z",
        inputs=(),
        objects=1,
        policies={name: policy(name) for name in ran},
        facts={},
    )


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> str:
    """The name of a history that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "audits.db")
    server = request.getfixturevalue("postgres")
    server.clear()
    return server.address


@pytest.fixture
def store(place):
    with history.connect(place, create=True) as database:
        yield database


def add(store, *arguments, subject="prod", **fields):
    return history.record(store, report(*arguments, **fields), subject=subject, inputs="i")


def shown(store, at="", subject="prod"):
    audit = history.find(store, subject, at)
    return {kept.fingerprint: kept for kept in history.findings(store, audit)}


def test_a_finding_comes_goes_and_comes_back(store):
    a, b = finding("a"), finding("b")
    assert add(store, 1, a).opened == ("a",)
    change = add(store, 2, a, b)
    assert (change.before, change.opened, change.closed) == ("2026-11-01T12:00:00Z", ("b",), ())
    assert add(store, 3, b).closed == ("a",)
    change = add(store, 4, a, b)
    assert (change.opened, change.reopened) == (("a",), ("a",))
    kept = shown(store)["a"]
    assert (kept.first_seen, kept.since, kept.reopened) == (
        "2026-11-01T12:00:00Z",
        "2026-11-04T12:00:00Z",
        1,
    )


def test_each_audit_can_be_shown_as_it_was(store):
    add(store, 1, finding("a"))
    add(store, 2, finding("b"))
    assert shown(store, "2026-11-01").keys() == {"a"}
    assert shown(store, "2026-11-02").keys() == {"b"}
    assert shown(store).keys() == {"b"}


def test_a_new_state_is_no_new_finding(store):
    add(store, 1, finding("a"))
    add(store, 2, finding("a", state="waived"))
    kept = shown(store)["a"]
    assert (kept.state, kept.first_seen, kept.reopened) == ("waived", "2026-11-01T12:00:00Z", 0)
    assert shown(store, "2026-11-01")["a"].state == "open"
    assert [audit.findings for audit in history.audits(store)] == [{"high": 1}, {}]


def test_what_an_incomplete_audit_does_not_find_is_not_gone(store):
    add(store, 1, finding("a"))
    assert add(store, 2, complete=False).closed == ()
    assert shown(store).keys() == {"a"}
    assert add(store, 3).closed == ("a",)


def test_what_an_audit_could_not_decide_is_not_gone(store):
    unsigned = {"policy": "images/unsigned", "layer": "images"}
    away = {"policy": "images/registry-unreachable", "layer": "images", "state": "unknown"}
    both = ("images/unsigned", "images/registry-unreachable")
    add(store, 1, finding("web", **unsigned), finding("cart", **unsigned), ran=both)
    target = finding("web").target
    found = add(store, 2, finding("doubt", **away, target=target), ran=both)
    assert (found.opened, found.closed) == (("doubt",), ("cart",))
    assert add(store, 3, ran=both).closed == ("doubt", "web")


def test_what_no_policy_looked_for_is_not_gone(store):
    add(store, 1, finding("a"))
    assert add(store, 2, ran=("mtls/no-mesh",)).closed == ()
    assert shown(store).keys() == {"a"}


def test_an_audit_that_is_recorded_twice_is_there_once(store):
    add(store, 1, finding("a"))
    assert add(store, 1, finding("a")) == history.Recorded("2026-11-01T12:00:00Z")
    assert len(history.audits(store)) == 1


def test_audits_are_recorded_in_the_order_of_their_times(store):
    add(store, 2, finding("a"))
    with pytest.raises(HistoryError, match="there is an audit of prod at 2026-11-02T12:00:00Z"):
        add(store, 1, finding("a"))
    assert len(history.audits(store)) == 1


def test_subjects_do_not_touch_one_another(store):
    add(store, 1, finding("a"), subject="prod")
    add(store, 1, subject="staging")
    assert shown(store, subject="prod").keys() == {"a"}
    assert shown(store, subject="staging") == {}
    with pytest.raises(HistoryError, match="several subjects") as error:
        history.find(store, "")
    assert error.value.hint == "--subject, one of prod, staging"


def test_the_newest_words_stay(store):
    add(store, 1, finding("a", message="two pods"))
    add(store, 2, finding("a", message="three pods"))
    assert shown(store)["a"].message == "three pods"


def test_pruning_keeps_the_last_audit_and_since_when(store):
    add(store, 1, finding("a"), finding("old"))
    add(store, 2, finding("a"))
    add(store, 20, finding("a"))
    gone = history.prune(store, days=5, at=datetime(2026, 11, 21, tzinfo=UTC))
    assert gone == 2
    assert [audit.at for audit in history.audits(store)] == ["2026-11-20T12:00:00Z"]
    assert shown(store)["a"].first_seen == "2026-11-01T12:00:00Z"
    assert history.prune(store, days=0, at=datetime(2027, 1, 1, tzinfo=UTC)) == 0


def test_facts_of_another_shape_are_not_compared(store):
    add(store, 1)
    store.rows("UPDATE audit SET facts = 'forgotten'")
    add(store, 2)
    first, last = history.audits(store)
    assert history.between(store, first, last).effects is None


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "text").write_text("audits, long ago, in words " * 9)
    with (
        pytest.raises(HistoryError, match="this is no history"),
        history.connect(str(tmp_path / "text")),
    ):
        pass
    with (
        pytest.raises(HistoryError, match="there is no history"),
        history.connect(str(tmp_path / "none")),
    ):
        pass
    with (
        pytest.raises(HistoryError, match="cannot be opened"),
        history.connect(str(tmp_path / "no" / "folder"), create=True),
    ):
        pass


def test_a_history_of_a_later_kguard_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "later.db") as connection:
        connection.execute(f"PRAGMA user_version = {len(shapes.MIGRATIONS) + 1}")
    with (
        pytest.raises(HistoryError, match="later version") as error,
        history.connect(str(tmp_path / "later.db")),
    ):
        pass
    assert error.value.hint == "upgrade kguard"


def test_its_owner_alone_reads_it(tmp_path):
    with history.connect(str(tmp_path / "audits.db"), create=True):
        pass
    assert (tmp_path / "audits.db").stat().st_mode & 0o077 == 0


RUNNER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from kguard import history
from tests.unit.history.test_history import finding, report

def run(subject):
    with history.connect(sys.argv[1], create=True) as database:
        for day in range(int(sys.argv[2]), 29):
            findings = [finding(f"{day}-{n}") for n in range(int(sys.argv[3]))]
            print(day, flush=True)
            history.record(database, report(day, *findings), subject=subject, inputs="i")

with ThreadPoolExecutor(20) as pool:
    list(pool.map(run, sys.argv[4:]))
"""
PAUSES = [0.0, 0.02, 0.08]
PAUSES += [random.uniform(0, 0.6) for _ in range(int(os.environ.get("KGUARD_KILLS", "0")))]
MANY, FEW = 150, 20
FIRST = 15


def runner(checkout, place, *subjects, start=1, many=MANY) -> subprocess.Popen:
    """A process with a runner for each subject."""
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, place, str(start), str(many), *subjects],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
    )


def check(store, subject, many=MANY) -> int:
    """Every audit that is there is whole: the findings of its day, no more, no fewer."""
    found = history.audits(store, subject)
    for audit in found:
        day = int(audit.at[8:10])
        names = {kept.fingerprint for kept in history.findings(store, audit)}
        assert names == {f"{day}-{number}" for number in range(many)}
    return len(found)


@pytest.mark.parametrize("pause", PAUSES)
def test_a_runner_that_is_killed_loses_no_audit_and_leaves_none_half(checkout, place, pause):
    process = runner(checkout, place, "prod", start=FIRST)
    process.stdout.readline()
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    told = process.communicate()[0].splitlines()
    with history.connect(place) as database:
        done = check(database, "prod")
        assert done >= len(told) - 1
    again = runner(checkout, place, "prod", start=FIRST + done)
    again.communicate()
    assert again.returncode == 0
    with history.connect(place) as database:
        assert check(database, "prod") == 29 - FIRST


def test_several_runners_write_at_once(checkout, place):
    names = [f"cluster-{number}" for number in range(20)]
    running = [runner(checkout, place, *names[n::4], start=27, many=FEW) for n in range(4)]
    for process in running:
        process.communicate()
    assert {process.returncode for process in running} == {0}
    with history.connect(place) as database:
        assert {check(database, name, FEW) for name in names} == {2}


def test_runners_of_one_subject_follow_one_another(checkout, place):
    running = [runner(checkout, place, "prod", start=28, many=FEW) for _ in range(3)]
    for process in running:
        process.communicate()
    assert {process.returncode for process in running} == {0}
    with history.connect(place) as database:
        assert check(database, "prod", FEW) == 1


def test_what_a_waiver_accepted_does_not_stand(store):
    """So that it counts as new on the day on which nobody accepts it any more."""
    add(store, 1, finding("a"), finding("b", state="waived"), finding("c", state="unknown"))
    assert history.standing(store, "prod").keys() == {"a", "c"}


def test_what_could_not_be_decided_is_counted_apart(store):
    add(store, 1, finding("a"), finding("b", state="unknown"), finding("c", state="waived"))
    add(store, 2, finding("a"), finding("b"))
    before, after = history.audits(store)
    assert (before.findings, before.undecided) == ({"high": 1}, 1)
    assert (after.findings, after.undecided) == ({"high": 2}, 0)
