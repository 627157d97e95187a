# SPDX-License-Identifier: Apache-2.0
"""Does a real API server take the reports for clusters, with every field that they have?

The definitions hold the fields, types and enumerations of the CRDs of both APIs, as
github.com/openreports/reports-api v0.2.1 and kubernetes-sigs/wg-policy-prototypes (v1alpha2) have
them; a field that is not in them is refused by strict validation.
"""

from __future__ import annotations

import json

import pytest

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def structure(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


REFERENCE = structure(
    apiVersion=TEXT, kind=TEXT, namespace=TEXT, name=TEXT, uid=TEXT, fieldPath=TEXT
)
RESULT = structure(
    ["policy"],
    category=TEXT,
    message=TEXT,
    policy=TEXT,
    properties={"type": "object", "additionalProperties": TEXT},
    resources={"type": "array", "items": REFERENCE},
    result={"type": "string", "enum": ["pass", "fail", "warn", "error", "skip"]},
    rule=TEXT,
    scored={"type": "boolean"},
    severity={"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
    source=TEXT,
    timestamp=structure(["nanos", "seconds"], nanos=NUMBER, seconds=NUMBER),
)
REPORT = structure(
    apiVersion=TEXT,
    kind=TEXT,
    metadata={"type": "object"},
    summary=structure(error=NUMBER, fail=NUMBER, skip=NUMBER, warn=NUMBER, **{"pass": NUMBER}),
    results={"type": "array", "items": RESULT},
)
KINDS = {
    "openreports": ("openreports.io", "v1alpha1", "Report"),
    "policyreport": ("wgpolicyk8s.io", "v1alpha2", "PolicyReport"),
}


def definition(group, version, kind, scope):
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": REPORT}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    approval = {"api-approved.kubernetes.io": "unapproved, of a test"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": approval},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


@pytest.fixture(scope="module")
def defined(cluster, tmp_path_factory):
    crds = [
        definition(group, version, name, scope)
        for group, version, kind in KINDS.values()
        for name, scope in ((kind, "Namespaced"), (f"Cluster{kind}", "Cluster"))
    ]
    path = tmp_path_factory.mktemp("crds") / "crds.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}))
    cluster.apply(path)
    names = [f"crd/{crd['metadata']['name']}" for crd in crds]
    cluster.run("wait", "--for=condition=Established", "--timeout=60s", *names)
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
