# SPDX-License-Identifier: Apache-2.0
"""Which definitions do the reports for clusters need?

They hold the fields, types and enumerations of the CRDs of both APIs, as
github.com/openreports/reports-api v0.2.1 and kubernetes-sigs/wg-policy-prototypes (v1alpha2) have
them; a field that is not in them is refused by strict validation.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e import live

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


def define(cluster: live.Cluster, folder: Path) -> None:
    """Create the definitions of both APIs."""
    crds = [
        definition(group, version, name, scope)
        for group, version, kind in KINDS.values()
        for name, scope in ((kind, "Namespaced"), (f"Cluster{kind}", "Cluster"))
    ]
    path = folder / "crds.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}))
    cluster.apply(path)
    names = [f"crd/{crd['metadata']['name']}" for crd in crds]
    cluster.run("wait", "--for=condition=Established", "--timeout=60s", *names)
