# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace

from kguard.model.findings import Incomplete
from kguard.reporters import render
from tests.unit.reporters import reports


def tree(report):
    return ET.fromstring(render("junit", report))  # noqa: S314 - our own output


def test_one_suite_a_layer_with_counts():
    root = tree(reports.full())
    suites = {suite.get("name"): suite for suite in root}
    network = suites["kguard.network"]
    assert (network.get("tests"), network.get("failures"), network.get("errors")) == (
        "11",
        "10",
        "1",
    )
    assert network.get("timestamp") == "2026-11-23T12:00:00"
    assert root.get("tests") == "16"
    assert root.get("failures") == "12"


def test_a_failure_has_severity_message_evidence_and_place():
    case = tree(reports.full()).find("testsuite/testcase")
    failure = case.find("failure")
    assert case.get("file") == "deploy/netpol.yaml"
    assert failure.get("type") == "critical"
    assert failure.get("message") == "any pod in the cluster can open redis:6379"
    assert "deploy/netpol.yaml:10  - {}  an empty rule admits everyone" in failure.text


def test_a_policy_that_failed_has_not_passed():
    policy = reports.policy("network/quiet")
    failure = Incomplete("policy network/quiet", "the engine gave up on it")
    whole = reports.full()
    known = replace(whole, policies={**whole.policies, policy.id: policy})

    def passed(report):
        cases = [case for case in tree(report).iter("testcase") if case.get("name") == policy.id]
        return [not len(case) for case in cases]

    assert passed(known) == [True]
    assert passed(replace(known, incomplete=(failure,))) == [False]


def test_waived_findings_are_skipped_with_the_reason():
    skipped = [s.get("message") for s in tree(reports.full()).iter("skipped")]
    assert any("by team-a, until 2027-01-31: migration" in message for message in skipped)


def test_what_was_not_read_is_an_error():
    root = tree(reports.full())
    error = root.find("testsuite[@name='kguard.input']/testcase/error")
    assert error.get("message") == "found a tab"


@pytest.mark.parametrize(
    ("policy_id", "skipped"), [("network/quiet", False), ("images/quiet", True), ("audit/q", True)]
)
def test_a_silent_policy_passes_only_where_its_layer_was_evaluated(policy_id, skipped):
    root = tree(reports.report(policies={policy_id: reports.policy(policy_id)}))
    case = root.find("testsuite/testcase")
    assert case.get("name") == policy_id
    assert (case.find("skipped") is not None) is skipped


def test_hostile_text_stays_well_formed():
    assert tree(reports.hostile()).find("testsuite/testcase/failure") is not None
