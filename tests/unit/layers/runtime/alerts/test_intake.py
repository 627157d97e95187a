# SPDX-License-Identifier: Apache-2.0
"""Is every alert counted once, and is memory bounded whatever arrives?"""

from __future__ import annotations

import gzip
import json

import pytest

from kguard.errors import SourceError
from kguard.layers.runtime.alerts import tally as tally_module
from kguard.layers.runtime.alerts.alert import MAX_EVENT_BYTES, Alert
from kguard.layers.runtime.alerts.intake import Intake
from kguard.layers.runtime.alerts.lines import Text, Unreadable, entries, entry_of
from kguard.layers.runtime.alerts.reports import reported
from tests.objects import inventory

SECOND = 1_000_000_000


def alert(time=0, rule="shell", priority="Notice", **fields):
    return Alert(time, rule, priority, hostname="node-1", output="o", fields=fields)


def line(time="2026-11-23T10:00:00Z", rule="shell"):
    return json.dumps({"time": time, "rule": rule, "priority": "Notice"}).encode()


def test_groups_by_rule_and_workload():
    intake = Intake(())
    for number in range(3):
        intake.take(alert(number * SECOND, **{"k8s.ns.name": "shop", "k8s.pod.name": "web"}))
    intake.take(alert(5 * SECOND, rule="miner", priority="Critical"))
    found = intake.summary()
    rows = [(g.rule, g.priority, g.workload, g.count) for g in found.groups]
    assert rows == [("miner", "Critical", "", 1), ("shell", "Notice", "Pod shop/web", 3)]
    shells = found.groups[1]
    assert (shells.first, shells.last) == (
        "1970-01-01T00:00:00.000000000Z",
        "1970-01-01T00:00:02.000000000Z",
    )


def test_the_order_of_arrival_does_not_matter():
    alerts = [alert(number * SECOND, rule=f"r{number % 3}") for number in range(20)]
    forth, back = Intake(()), Intake(())
    for found in alerts:
        forth.take(found)
    for found in reversed(alerts):
        back.take(found)
    assert forth.summary() == back.summary()


def test_a_second_delivery_counts_once():
    intake = Intake(())
    intake.take(alert(1))
    intake.take(alert(1))
    intake.take(alert(1, rule="miner"))
    found = intake.summary()
    assert (found.events, found.duplicates) == (2, 1)


def test_windows():
    intake = Intake((), window=3600)
    for hour in (0, 0, 2):
        intake.take(alert(hour * 3600 * SECOND + intake.summary().events))
    rows = [(g.window[:19], g.count) for g in intake.summary().groups]
    assert rows == [("1970-01-01T00:00:00", 2), ("1970-01-01T02:00:00", 1)]


def test_what_is_too_early_or_too_light_does_not_count():
    intake = Intake((), least="Warning", since=10)
    intake.take(alert(9, priority="Critical"))
    intake.take(alert(10, priority="Notice"))
    intake.take(alert(10, priority="Warning"))
    assert [g.priority for g in intake.summary().groups] == ["Warning"]


def test_a_flood_of_rules_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(tally_module, "MAX_GROUPS", 10)
    monkeypatch.setattr(tally_module, "MAX_REMEMBERED", 5)
    intake = Intake(())
    for number in range(100):
        intake.take(alert(number, rule=f"r{number}"))
    found = intake.summary()
    assert (found.events, found.ungrouped, len(found.groups)) == (100, 90, 10)


def test_every_alert_is_shown_with_its_subject():
    shown = []
    intake = Intake((), show=shown.append)
    intake.take(alert(1, **{"k8s.ns.name": "shop", "k8s.pod.name": "web"}))
    (row,) = map(json.loads, shown)
    assert row["time"] == "1970-01-01T00:00:00.000000001Z"
    assert row["subject"]["pod"] == "web"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (line(), Alert),
        (b"2026-11-23T10:00:00.1Z stdout F " + line(), Alert),
        (json.dumps({"log": line().decode() + "\n", "stream": "stdout"}).encode(), Alert),
        (b"2026-11-23T10:00:00: Falco version: 0.44.1", Text),
        (b"10:00:00.1: Notice A shell was spawned", Text),
        (b'{"rule": "x"}', Unreadable),
        (b"{", Unreadable),
    ],
)
def test_what_a_line_is(text, kind):
    (found,) = entry_of(text)
    assert isinstance(found, kind)


def test_empty_lines_are_nothing():
    assert list(entry_of(b"  \n")) == []


def test_a_file_plain_and_compressed(tmp_path):
    data = line() + b"\n" + line(rule="miner") + b"\n"
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    assert list(entries(str(plain))) == list(entries(str(packed)))
    assert [entry.rule for entry in entries(str(plain))] == ["shell", "miner"]


def test_a_line_without_end_costs_no_memory_and_hides_no_other(tmp_path):
    log = tmp_path / "a.log"
    log.write_bytes(b"{" + b"x" * (3 * MAX_EVENT_BYTES) + b"\n" + line() + b"\n")
    first, second = entries(str(log))
    assert isinstance(first, Unreadable)
    assert "longer than" in first.reason
    assert isinstance(second, Alert)


def test_a_file_that_is_cut_off(tmp_path):
    log = tmp_path / "a.gz"
    log.write_bytes(gzip.compress(line() * 100)[:-20])
    with pytest.raises(SourceError, match="cannot be read"):
        list(entries(str(log)))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        list(entries(str(tmp_path / "none")))


REPORT = """
apiVersion: wgpolicyk8s.io/v1alpha2
kind: PolicyReport
metadata: {name: falcoreport-shop, namespace: shop}
results:
- policy: Terminal shell in container
  source: Falco
  severity: high
  result: fail
  scored: false
  message: a shell
  timestamp: {seconds: 7, nanos: 5}
  properties: {evt.time: "1795428000000000001", k8s.ns.name: shop, k8s.pod.name: web}
- {policy: disallow-latest, source: Kyverno, result: fail}
- {policy: no time, source: Falco, severity: low, result: fail}
- {policy: "", source: Falco, severity: low, result: fail}
"""


def test_policy_reports_of_falcosidekick():
    (first, place), (second, _), (third, _) = reported(inventory(REPORT))
    assert place.pointer == "/results/0"
    assert isinstance(first, Alert)
    assert (first.rule, first.priority, first.output) == (
        "Terminal shell in container",
        "Critical",
        "a shell",
    )
    assert (first.time, first.field("k8s.pod.name")) == (1_795_428_000_000_000_001, "web")
    assert isinstance(second, Alert)
    assert (second.rule, second.time) == ("no time", 0)
    assert third == Unreadable("it names no rule")


def test_a_result_without_a_time_is_as_old_as_its_report():
    made = REPORT.replace(
        "namespace: shop}", 'namespace: shop, creationTimestamp: "2026-11-23T10:00:00Z"}'
    )
    _, (second, _), _ = reported(inventory(made))
    assert isinstance(second, Alert)
    assert second.time == 1_795_428_000_000_000_000


def test_a_flood_is_counted_to_the_last_line(tmp_path):
    kinds = (
        lambda n: line(time=f"2026-11-23T10:00:00.{n:09}Z"),
        lambda n: line(time=f"2026-11-23T10:00:00.{n - 1:09}Z"),
        lambda n: (
            b'{"rule": "\xff\xfe", "priority": "Notice", "time": "2026-11-23T10:00:00Z", '
            b'"output_fields": {"n": %d}}' % n
        ),
        lambda n: b'{"rule": %d' % n,
        lambda n: b"\xff\xfe started %d" % n,
    )
    number = 20_000
    path = tmp_path / "falco.log"
    path.write_bytes(b"\n".join(kinds[n % len(kinds)](n) for n in range(number)))
    intake = Intake(())
    for entry in entries(str(path)):
        intake.take(entry)
    found = intake.summary()
    each = number // len(kinds)
    assert (found.events, found.duplicates) == (2 * each, each)
    assert (found.unreadable, found.text) == (each, each)
    assert len(found.groups) == 2


def test_two_alerts_of_one_nanosecond_both_count():
    intake = Intake(())
    for pid in (7, 8, 7):
        intake.take(alert(5, **{"proc.pid": pid}))
    found = intake.summary()
    assert (found.events, found.duplicates) == (2, 1)


def test_what_falco_says_of_drops_is_told_apart():
    intake = Intake(())
    rule = "Falco internal: syscall event drop"
    intake.take(Alert(1, rule, "Debug", source="internal"))
    intake.take(Alert(2, rule, "Debug", source="syscall"))
    intake.take(Alert(3, "shell", "Notice"))
    assert (intake.summary().events, intake.summary().drops) == (3, 1)
