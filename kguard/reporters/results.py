# SPDX-License-Identifier: Apache-2.0
"""What do reports look like as objects of a cluster?

Two APIs have the same results under different headers: PolicyReport of wgpolicyk8s.io/v1alpha2,
and Report of openreports.io/v1alpha1, its successor. One object holds the findings of one
namespace, split so that none comes near the size that an API server stores; a list of all of them
can be applied.

Authority: the CRDs of kubernetes-sigs/wg-policy-prototypes and of the Go module
github.com/openreports/reports-api v0.2.1 (config/crd), which agree in the fields used here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kguard.model.findings import Finding, Report, State
from kguard.model.safe_text import clean
from kguard.reporters.bounds import left_out, worst

MAX_RESULTS = 1000
"""Results of one object."""
MAX_BYTES = 1 << 20
"""Results of one object together; etcd refuses requests of 1.5 MiB."""
MAX_MESSAGE = 1024
MAX_FINDINGS = 50_000
"""Findings in all objects together: about 50 MiB in etcd, whose quota is 2 GiB by default."""
MANAGED_BY = {"app.kubernetes.io/managed-by": "kguard"}
SCAN_LABEL = "kguard.dev/scan"
"""The time of the scan, as digits: objects with another one are of earlier scans."""
_RESULTS: dict[State, str] = {
    "open": "fail",
    "baseline": "fail",
    "unknown": "error",
    "waived": "skip",
}
_COUNTED = ("pass", "fail", "warn", "error", "skip")


def rendered(report: Report, api_version: str, kind: str) -> str:
    """A List of the objects of a report, as JSON.

    Args:
        report: the findings.
        api_version: the API, with its version.
        kind: the kind of namespaced reports; `Cluster` in front of it is the other one.
    """
    items = [*_objects(report, api_version, kind)]
    text = msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items})
    return msgspec.json.format(text, indent=2).decode() + "\n"


def _objects(report: Report, api_version: str, kind: str) -> Iterator[dict[str, Any]]:
    at = {"seconds": int(datetime.fromisoformat(report.at).timestamp()), "nanos": 0}
    stamp = report.at.replace("-", "").replace(":", "")
    labels = {**MANAGED_BY, SCAN_LABEL: stamp}
    # The report of the cluster is always there: without it a clean scan would leave no trace.
    kept, others = worst(report.findings, MAX_FINDINGS)
    spaces: dict[str, list[Finding]] = {"": []}
    for finding in kept:
        spaces.setdefault(_namespace(finding), []).append(finding)
    for namespace, mine in sorted(spaces.items()):
        results = [_result(finding, report, at) for finding in mine]
        if others and not namespace:
            results.insert(0, _others(others, at))
        for number, part in enumerate(_parts(results), start=1):
            metadata: dict[str, Any] = {"name": f"kguard-{number}", "labels": labels}
            if namespace:
                metadata["namespace"] = namespace
            yield {
                "apiVersion": api_version,
                "kind": kind if namespace else f"Cluster{kind}",
                "metadata": metadata,
                "summary": _summary(part),
                "results": part,
            }


def _others(number: int, at: dict[str, int]) -> dict[str, Any]:
    """What tells in the report of the cluster that not everything is there."""
    return {
        "source": "kguard",
        "policy": "kguard/left-out",
        "category": "kguard",
        "severity": "info",
        "result": "warn",
        "scored": False,
        "timestamp": at,
        "message": left_out(number),
    }


def _namespace(finding: Finding) -> str:
    return clean(finding.target.namespace)


def _parts(results: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The results in groups that one object can hold."""
    part: list[dict[str, Any]] = []
    size = 0
    for result in results:
        weight = len(msgspec.json.encode(result))
        if part and (len(part) >= MAX_RESULTS or size + weight > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(result)
        size += weight
    yield part


def _result(finding: Finding, report: Report, at: dict[str, int]) -> dict[str, Any]:
    policy = report.policies.get(finding.policy)
    target = finding.target
    named = {
        "apiVersion": clean(target.api_version),
        "kind": clean(target.kind),
        "namespace": clean(target.namespace),
        "name": clean(target.name),
    }
    return {
        "source": "kguard",
        "policy": finding.policy,
        "category": finding.layer,
        "severity": finding.severity,
        "result": _RESULTS[finding.state],
        "scored": policy is None or policy.kind == "effect",
        "timestamp": at,
        "message": _short(finding.message),
        "resources": [{key: value for key, value in named.items() if value}],
        "properties": _properties(finding),
    }


def _properties(finding: Finding) -> dict[str, str]:
    found = {"fingerprint": finding.fingerprint, "state": finding.state}
    if finding.path:
        found["path"] = _short(finding.path)
    if finding.controls:
        found["controls"] = ",".join(finding.controls)
    if finding.waiver:
        found["waiver"] = _short(", ".join(f"{k}={v}" for k, v in sorted(finding.waiver.items())))
    return found


def _short(text: str) -> str:
    found = clean(text)
    return found if len(found) <= MAX_MESSAGE else found[: MAX_MESSAGE - 1] + "…"


def _summary(results: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(result["result"] for result in results)
    return {name: counts[name] for name in _COUNTED}
