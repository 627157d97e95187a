# SPDX-License-Identifier: Apache-2.0
"""Can a log shipper read every line, whatever objects are called?"""

from __future__ import annotations

import json

import pytest

from kguard.model.findings import Incomplete
from kguard.reporters import Settings, jsonl, render
from tests.unit.reporters import reports

LARGE = "\N{PILE OF POO}" * 100_000


def lines(report, exit_code=1):
    return [
        json.loads(line)
        for line in render("jsonl", report, Settings(exit_code=exit_code)).splitlines()
    ]


def test_a_line_for_each_finding_and_one_for_the_scan():
    *found, scan = lines(reports.full())
    assert {entry["event"] for entry in found} == {"kguard.finding"}
    assert len(found) == len(reports.full().findings)
    assert scan["event"] == "kguard.scan"
    assert scan["findings"] == {"open": 12, "waived": 1, "baseline": 1, "unknown": 1}
    assert (scan["complete"], scan["exit_code"], scan["left_out"]) == (False, 1, 0)
    assert scan["reasons"] == ["deploy/broken.yaml:31:7: found a tab"]


def test_a_finding_says_what_where_and_how_bad():
    first = lines(reports.full())[0]
    assert first["message"] == "any pod in the cluster can open redis:6379"
    assert first["place"] == "deploy/netpol.yaml:9"
    assert (first["severity"], first["namespace"], first["name"]) == ("critical", "shop", "redis")


@pytest.mark.parametrize("character", ["x", '"', "\\", LARGE[0], "\x1b"])
def test_no_line_is_longer_than_the_limit(character):
    text = character * 20_000
    report = reports.report(
        reports.finding("network/" + text, text, message=text, path=text),
        incomplete=tuple(Incomplete(f"{n}{text}", text, text) for n in range(20)),
        inputs=(text,) * 20,
        complete=False,
    )
    for line in render("jsonl", report).encode().splitlines(keepends=True):
        assert len(line) <= jsonl.MAX_LINE
        json.loads(line)
