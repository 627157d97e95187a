# SPDX-License-Identifier: Apache-2.0
"""Does a real API server take the reports for clusters, with every field that they have?"""

from __future__ import annotations

import json

import pytest

from tests.e2e import report_crds
from tests.e2e.report_crds import KINDS


@pytest.fixture(scope="module")
def defined(cluster, tmp_path_factory):
    report_crds.define(cluster, tmp_path_factory.mktemp("crds"))
    return cluster


@pytest.mark.parametrize("name", KINDS)
def test_the_server_takes_a_report_and_gives_it_back(name, defined, kguard, checkout, tmp_path):
    path = tmp_path / "reports.json"
    done = kguard("scan", "examples/shop", "-o", f"{name}={path}", cwd=checkout)
    assert done.returncode == 1, done.stderr
    sent = json.loads(path.read_text())["items"]
    for namespace in sorted({item["metadata"].get("namespace", "") for item in sent} - {""}):
        defined.run("create", "namespace", namespace, check=False)
    defined.apply(path, "--validate=strict", "--server-side")
    group, _, kind = KINDS[name]
    for plural in (f"{kind.lower()}s.{group}", f"cluster{kind.lower()}s.{group}"):
        found = json.loads(defined.run("get", plural, "--all-namespaces", "-o", "json"))["items"]
        expected = {
            (item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["results"]
            for item in sent
            if f"{item['kind'].lower()}s.{group}" == plural
        }
        assert {
            (item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["results"]
            for item in found
        } == expected
        assert expected


def test_what_a_later_report_no_longer_has_is_removed(defined, tmp_path, kguard, checkout):
    """As docs/reports.md says it: of the second scan, one policy less."""
    defined.run("create", "namespace", "shop", check=False)
    left = {}
    for hour, policies in (("12", ()), ("13", ("--policy", "runtime/dead-rule"))):
        path = tmp_path / "reports.json"
        at = f"2026-11-30T{hour}:00:00Z"
        output = f"openreports={path}"
        done = kguard("scan", "examples/shop", "--at", at, "-o", output, *policies, cwd=checkout)
        assert done.returncode in (0, 1), done.stderr
        items = json.loads(path.read_text())["items"]
        for namespace in {item["metadata"].get("namespace", "default") for item in items}:
            defined.run("create", "namespace", namespace, check=False)
        defined.apply(path, "--server-side")
        stamp = f"20261130T{hour}0000Z"
        selector = f"app.kubernetes.io/managed-by=kguard,kguard.dev/scan!={stamp}"
        kinds = "reports.openreports.io,clusterreports.openreports.io"
        defined.run("delete", kinds, "--all-namespaces", "--selector", selector)
        found = json.loads(defined.run("get", kinds, "--all-namespaces", "-o", "json"))["items"]
        left[hour] = len(found)
        assert left[hour] == len(items)
    assert 0 < left["13"] < left["12"]


def test_the_server_takes_events_about_new_findings(defined, kguard, checkout, tmp_path):
    history = ("--history", tmp_path / "audits.db", "--subject", "shop")
    path = tmp_path / "events.json"
    for hour, expected in (("12", True), ("13", False)):
        at = f"2026-11-30T{hour}:00:00Z"
        kguard("scan", "examples/shop", "--at", at, "-o", f"events={path}", *history, cwd=checkout)
        sent = json.loads(path.read_text())["items"]
        assert bool(sent) == expected
        for namespace in {item["metadata"]["namespace"] for item in sent}:
            defined.run("create", "namespace", namespace, check=False)
        for item in sent:
            (tmp_path / "event.json").write_text(json.dumps(item))
            defined.run("create", "--validate=strict", "--filename", str(tmp_path / "event.json"))
            about = (f"--namespace={item['metadata']['namespace']}", "-o", "json")
            found = json.loads(defined.run("get", "event", item["metadata"]["name"], *about))
            assert found["message"] == item["note"]
            assert found["involvedObject"] == item["regarding"]
