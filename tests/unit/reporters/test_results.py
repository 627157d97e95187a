# SPDX-License-Identifier: Apache-2.0
"""Do the reports for clusters hold every finding, bounded, under the right headers?"""

from __future__ import annotations

import json

import pytest

from kguard.model.manifests import ObjectRef
from kguard.reporters import render, results
from tests.unit.reporters import reports

APIS = {
    "policyreport": ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
    "openreports": ("openreports.io/v1alpha1", "Report"),
}


def items(report, name="openreports"):
    return json.loads(render(name, report))["items"]


@pytest.mark.parametrize("name", APIS)
def test_headers(name):
    whole, item = items(reports.report(reports.finding("network/a", "web")), name)
    assert (item["apiVersion"], item["kind"]) == APIS[name]
    assert (whole["apiVersion"], whole["kind"]) == (APIS[name][0], f"Cluster{APIS[name][1]}")
    assert item["metadata"]["namespace"] == "shop"
    assert item["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "kguard",
        "kguard.dev/scan": "20261123T120000Z",
    }


def test_every_finding_is_one_result_with_its_state():
    report = reports.full()
    found = [result for item in items(report) for result in item["results"]]
    assert len(found) == len(report.findings)
    by_state = {(r["properties"]["state"], r["result"]) for r in found}
    assert by_state == {
        ("open", "fail"),
        ("baseline", "fail"),
        ("unknown", "error"),
        ("waived", "skip"),
    }


def test_the_summary_counts_the_results():
    for item in items(reports.full()):
        counts = dict.fromkeys(item["summary"], 0)
        for result in item["results"]:
            counts[result["result"]] += 1
        assert counts == item["summary"]


def test_an_object_without_namespace_is_in_a_report_of_the_cluster():
    node = ObjectRef("v1", "Node", "", "node-1")
    (item,) = items(reports.report(reports.finding("runtime/a", "x", target=node)))
    assert item["kind"] == "ClusterReport"
    assert "namespace" not in item["metadata"]
    assert item["results"][0]["resources"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
    ]


def test_many_findings_are_split_and_each_object_is_small(monkeypatch):
    monkeypatch.setattr(results, "MAX_RESULTS", 10)
    found = [reports.finding("network/a", f"app-{number}") for number in range(25)]
    parts = items(reports.report(*found))[1:]
    assert [len(item["results"]) for item in parts] == [10, 10, 5]
    assert [item["metadata"]["name"] for item in parts] == ["kguard-1", "kguard-2", "kguard-3"]


def test_a_clean_scan_leaves_a_report():
    (item,) = items(reports.report())
    assert (item["kind"], item["results"]) == ("ClusterReport", [])


def test_long_messages_are_cut_and_objects_stay_below_the_limit(monkeypatch):
    monkeypatch.setattr(results, "MAX_BYTES", 5000)
    found = [reports.finding("network/a", f"a{n}", message="m" * 9999) for n in range(6)]
    parts = items(reports.report(*found))[1:]
    assert [len(item["results"]) for item in parts] == [3, 3]
    assert all(len(r["message"]) == results.MAX_MESSAGE for i in parts for r in i["results"])
