# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import msgspec

from kguard.reporters import render
from kguard.reporters.json import Document
from tests.unit.reporters import reports


def test_keys_are_those_of_the_contract():
    document = json.loads(render("json", reports.full()))
    assert document["schema"] == "kguard/report/v1"
    assert document["complete"] is False
    assert document["incomplete"] == [
        {
            "source": "deploy/broken.yaml:31:7",
            "reason": "found a tab",
            "hint": "replace it by spaces",
        }
    ]
    assert document["coverage"]["network"] == {
        "state": "evaluated",
        "evaluated": 14,
        "total": 14,
        "subject": "workloads",
        "note": "",
    }
    assert document["assumed"]["istio"]["value"] == "1.31"
    first = document["findings"][0]
    assert set(first) == {
        "fingerprint",
        "policy",
        "layer",
        "severity",
        "state",
        "target",
        "path",
        "message",
        "locations",
        "evidence",
        "remedy",
        "controls",
    }
    assert first["target"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "redis",
    }
    assert first["locations"] == [
        {
            "file": "deploy/netpol.yaml",
            "line": 9,
            "column": 3,
            "end_line": 10,
            "end_column": 7,
            "role": "decides",
        }
    ]


def test_every_finding_is_in_with_its_state_and_waiver():
    found = json.loads(render("json", reports.full()))["findings"]
    assert len(found) == len(reports.full().findings)
    waived = [entry for entry in found if entry["state"] == "waived"]
    assert waived[0]["waiver"]["by"] == "team-a"
    assert {entry["state"] for entry in found} == {"open", "unknown", "waived", "baseline"}


def test_places_in_a_cluster_have_no_lines():
    found = json.loads(render("json", reports.full()))["findings"]
    place = found[-1]["locations"][0]
    assert place == {"cluster": "prod", "path": "Deployment shop/twice/spec", "role": "decides"}


def test_report_is_valid_by_its_own_schema():
    import jsonschema

    schema = msgspec.json.schema(Document)
    for make in (reports.full, reports.hostile, reports.report):
        jsonschema.validate(json.loads(render("json", make())), schema)


def test_hostile_text_survives_unchanged():
    found = json.loads(render("json", reports.hostile()))["findings"]
    assert found[0]["target"]["name"] == reports.HOSTILE
