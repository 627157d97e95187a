# SPDX-License-Identifier: Apache-2.0
"""Does a clause pass only where everything that can be said about it was looked at?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.engine import catalog
from kguard.model.findings import LAYERS, Incomplete, LayerCoverage
from kguard.reporters import clauses
from tests.unit.reporters import reports

WAIVER = {"by": "team-a", "until": "2027-01-31", "reason": "migration"}
COVERED = {
    layer: LayerCoverage("evaluated", 9, 9, "subjects") for layer in (*LAYERS, "cross", "manifests")
}
POLICIES = {policy.id: policy for policy in catalog.bundled()}
FACTS = {
    "images": msgspec.defstruct("Facts", ["evidence"])(
        msgspec.defstruct("Evidence", ["state"])("none")
    )
}


def whole(*findings, **changes):
    """A report of a scan that looked at everything."""
    return reports.report(*findings, **{"coverage": COVERED, "policies": POLICIES, **changes})


def judgement(name, report):
    return {row.clause.id: row for _, rows in clauses.judged(report) for row in rows}[name]


def covered(layer, coverage):
    return {**COVERED, layer: coverage}


def test_a_clean_scan_passes_what_policies_decide_and_the_rest_in_part():
    report = whole()
    assert judgement("CIS-5.3.2", report).words == "passed"
    assert judgement("NIST-SC-7", report).words == "passed in part"
    assert judgement("NIST-AU-6", report).words == "manual"
    assert "reviews the records" in judgement("NIST-AU-6", report).because


@pytest.mark.parametrize(
    ("state", "expected"),
    [("open", "failed"), ("baseline", "failed"), ("unknown", "unknown"), ("waived", "accepted")],
)
def test_findings_decide(state, expected):
    found = reports.finding("network/open-to-cluster", "redis", state=state, waiver=WAIVER)
    row = judgement("CIS-5.3.2", whole(found))
    assert (row.state, row.counts, row.shown) == (expected, {state: 1}, (found,))


@pytest.mark.parametrize(
    ("changes", "expected", "word"),
    [
        ({"coverage": {}}, "not_evaluated", "not looked at"),
        (
            {"coverage": covered("network", LayerCoverage("no_evidence", 0, 0, "w"))},
            "no_evidence",
            "network",
        ),
        (
            {"coverage": covered("network", LayerCoverage("unknown", 0, 9, "w", "403"))},
            "unknown",
            "403",
        ),
        (
            {"coverage": covered("network", LayerCoverage("evaluated", 8, 9, "w"))},
            "unknown",
            "8 of 9",
        ),
        (
            {"coverage": covered("network", LayerCoverage("not_evaluated", 0, 9, "w"))},
            "not_evaluated",
            "network",
        ),
        ({"policies": {}}, "not_evaluated", "did not run"),
        (
            {"complete": False, "incomplete": (Incomplete("a.yaml", "a tab"),)},
            "unknown",
            "1 input",
        ),
    ],
)
def test_what_was_not_looked_at_is_no_pass(changes, expected, word):
    row = judgement("CIS-5.3.2", whole(**changes))
    assert row.state == expected
    assert word in row.because


def test_nothing_passes_where_nothing_was_evaluated():
    for state in ("unknown", "not_evaluated", "no_evidence"):
        coverage = {name: LayerCoverage(state, 0, 0, "x") for name in COVERED}
        rows = [row for _, rows in clauses.judged(whole(coverage=coverage)) for row in rows]
        assert {row.state for row in rows} == {state, "manual"}


def test_a_finding_goes_before_a_doubt():
    found = reports.finding("network/open-to-cluster", "redis")
    doubtful = covered("network", LayerCoverage("unknown", 0, 9, "w"))
    assert judgement("CIS-5.3.2", whole(found, coverage=doubtful)).state == "failed"


def test_signatures_that_nobody_asked_for_are_not_evaluated():
    coverage = covered("images", LayerCoverage("evaluated", 0, 9, "images"))
    assert judgement("NIST-CM-14", whole(coverage=coverage, facts=FACTS)).state == "not_evaluated"
    assert judgement("NIST-CM-14", whole(coverage=coverage)).state == "unknown"


def test_nothing_to_join_is_no_missing_evidence():
    coverage = covered("cross", LayerCoverage("no_evidence", 0, 0, "rules"))
    assert judgement("NIST-SI-4", whole(coverage=coverage)).state == "passed"


def test_the_worst_findings_speak_and_the_others_are_counted():
    many = [reports.finding("network/open-to-cluster", f"a{n}", "low") for n in range(20)]
    bad = reports.finding("network/open-to-cluster", "z", "critical")
    row = judgement("CIS-5.3.2", whole(*many, bad))
    assert row.shown[0] == bad
    assert (len(row.shown), row.left_out) == (clauses.MAX_SHOWN, 21 - clauses.MAX_SHOWN)


def test_chosen_frameworks_alone():
    assert [f.key for f, _ in clauses.judged(whole(), ("pci", "iso"))] == ["pci", "iso"]
