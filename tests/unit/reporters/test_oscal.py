# SPDX-License-Identifier: Apache-2.0
"""Are OSCAL assessment results valid, honest about what is unknown, and the same every time?"""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from kguard.engine import controls
from kguard.reporters import Settings, oscal, render
from tests.unit.reporters import reports
from tests.unit.reporters.oscal_rules import SCHEMA
from tests.unit.reporters.test_clauses import whole

REPORTS = {
    "full": reports.full,
    "hostile": reports.hostile,
    "empty": reports.report,
    "no layer": lambda: reports.report(coverage={}, policies={}),
    "clean": whole,
}


def result(report, **settings):
    text = render("oscal", report, Settings(**settings))
    return json.loads(text)["assessment-results"]["results"][0]


def statuses(report):
    """The status of each clause by its control id."""
    found = result(report)["findings"]
    return {f["target"]["target-id"].removesuffix("_smt"): f["target"]["status"] for f in found}


@pytest.mark.parametrize("name", REPORTS)
def test_valid_by_the_rules_of_oscal(name):
    text = render("oscal", REPORTS[name]())
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    uuids = re.findall(r'"uuid": "([^"]+)"', text)
    assert len(set(uuids)) == len(uuids)
    named = re.findall(r'"(?:observation|subject|risk)-uuid": "([^"]+)"', text)
    plan = re.findall(r'"href": "#([0-9a-f-]{36})"', text)
    assert {*named, *plan} <= set(uuids)


def test_the_rules_see_what_is_wrong():
    document = json.loads(render("oscal", reports.full()))
    one = document["assessment-results"]["results"][0]
    one["findings"][0]["target"]["status"]["state"] = "pass"
    one["observations"][0]["methods"] = []
    one["uuid"] = one["uuid"].replace("-5", "-1", 1)
    errors = [*jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]
    assert len(errors) >= 3


def test_the_same_report_has_the_same_identifiers_and_another_one_has_others():
    first, again = (render("oscal", reports.full()) for _ in range(2))
    assert first == again
    other = render("oscal", reports.report())
    pattern = r'"uuid": "([^"]+)"'
    assert not set(re.findall(pattern, first)) & set(re.findall(pattern, other))


def test_only_what_policies_decide_can_be_satisfied():
    found = statuses(whole())
    reach = {
        oscal.control_id(clause, framework): clause.reach
        for framework in controls.frameworks()
        for clause in framework.clauses
    }
    satisfied = {name for name, status in found.items() if status["state"] == "satisfied"}
    assert satisfied == {name for name, how in reach.items() if how == "automated"}
    assert found["sc-7.5"]["reason"] == "other"
    assert "passed in part" in found["sc-7.5"]["remarks"]
    assert "au-6" not in found


@pytest.mark.parametrize("state", ["open", "unknown", "waived", "baseline"])
def test_no_finding_leaves_its_clause_satisfied(state):
    waiver = {"by": "a", "until": "2027-01-31", "reason": "r"} if state == "waived" else {}
    found = reports.finding("network/open-to-cluster", "redis", state=state, waiver=waiver)
    status = statuses(whole(found))["cis-5.3.2"]
    assert status["state"] == "not-satisfied"
    assert status["reason"] == ("fail" if state in ("open", "baseline") else "other")


def test_nothing_unknown_is_satisfied():
    assert {s["state"] for s in statuses(reports.report()).values()} == {"not-satisfied"}


def test_a_clause_names_its_observations_with_file_and_line():
    found = result(whole(reports.finding("network/open-to-cluster", "redis")))
    observations = {entry["uuid"]: entry for entry in found["observations"]}
    clause = next(f for f in found["findings"] if f["target"]["target-id"] == "cis-5.3.2")
    named = [observations[r["observation-uuid"]] for r in clause["related-observations"]]
    assert [entry["types"] for entry in named] == [["control-objective"], ["finding"]]
    assert named[1]["relevant-evidence"][0]["href"] == "deploy/netpol.yaml#L9"
    items = {item["uuid"]: item for item in found["local-definitions"]["inventory-items"]}
    subject = items[named[1]["subjects"][0]["subject-uuid"]]
    assert subject["description"] == "Deployment shop/redis"


def test_a_waiver_is_an_approved_deviation_with_its_end():
    (risk,) = result(reports.full())["risks"]
    assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2027-01-31T00:00:00Z")
    assert "team-a" in risk["statement"]


def test_controls_that_nobody_looks_at_are_excluded():
    selections = result(whole(), frameworks=("nist",))["reviewed-controls"]["control-selections"]
    assert len(selections) == 1
    excluded = {entry["control-id"] for entry in selections[0]["exclude-controls"]}
    assert "au-6" in excluded
    assert "sc-7.5" in {entry["control-id"] for entry in selections[0]["include-controls"]}
