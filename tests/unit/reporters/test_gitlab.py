# SPDX-License-Identifier: Apache-2.0
"""Do both reports for GitLab hold what GitLab demands of them?

The rules are those of GitLab's documentation of Code Quality reports and of its security report
schema 15.0 (required keys, enumerations, patterns), written down as checks.
"""

from __future__ import annotations

import json
import re
import uuid

import pytest

from kguard.reporters import render
from tests.unit.reporters import reports

FORMATS = ("gitlab-quality", "gitlab-sast")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def parsed(name, report=None):
    return json.loads(render(name, report or reports.full()))


def entries(name, report=None):
    found = parsed(name, report)
    return found if name == "gitlab-quality" else found["vulnerabilities"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_finding_that_is_not_waived_is_there(name):
    report = reports.full()
    assert len(entries(name)) == sum(f.state != "waived" for f in report.findings)


def test_code_quality():
    for issue in parsed("gitlab-quality"):
        assert issue["description"]
        assert issue["check_name"]
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert not issue["location"]["path"].startswith("./")
        assert issue["location"]["path"]
        assert issue["location"]["lines"]["begin"] >= 1
    prints = [issue["fingerprint"] for issue in parsed("gitlab-quality")]
    assert len(set(prints)) == len(prints)


def test_sast_names_its_scan():
    document = parsed("gitlab-sast")
    assert re.fullmatch(r"15\.0\.\d+", document["version"])
    scan = document["scan"]
    assert scan["type"] == "sast"
    assert scan["status"] == "failure"
    assert TIME.fullmatch(scan["start_time"])
    assert TIME.fullmatch(scan["end_time"])
    for tool in (scan["analyzer"], scan["scanner"]):
        assert all(tool[key] for key in ("id", "name", "version"))
        assert tool["vendor"]["name"]
    assert {m["level"] for m in scan["messages"]} <= {"info", "warn", "fatal"}


def test_sast_vulnerabilities():
    for one in parsed("gitlab-sast")["vulnerabilities"]:
        assert uuid.UUID(one["id"])
        assert 0 < len(one["name"]) <= 255
        assert one["severity"] in {"Info", "Unknown", "Low", "Medium", "High", "Critical"}
        assert one["location"]["file"]
        assert 1 <= one["location"]["start_line"] <= one["location"]["end_line"]
        for identifier in one["identifiers"]:
            assert all(identifier[key] for key in ("type", "name", "value"))


def test_undecided_is_neither_a_pass_nor_a_failure():
    report = reports.report(reports.finding("network/a", "x", state="unknown"))
    assert entries("gitlab-sast", report)[0]["severity"] == "Unknown"
    assert entries("gitlab-quality", report)[0]["description"].startswith("undecided: ")


def test_a_finding_keeps_its_identifier():
    (first,) = entries("gitlab-sast", reports.report(reports.finding("network/a", "x")))
    moved = reports.finding("network/a", "x", message="other words", locations=())
    (second,) = entries("gitlab-sast", reports.report(moved))
    assert first["id"] == second["id"]
    assert second["location"]["file"] == "deploy/"
