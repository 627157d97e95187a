# SPDX-License-Identifier: Apache-2.0
"""Which Events of Kubernetes does a report call for?

One for each critical finding that no earlier audit had, about the object of the finding, so that
`kubectl events` and whatever watches Events tell of it. A list of them can be applied; the same
report gives the same names, so that applying it twice says nothing twice.

Authority: kubernetes/kubernetes pkg/apis/core/validation/events.go (required fields, lengths, and
that Events about objects without a namespace lie in `default`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kguard.model.findings import Finding, Report
from kguard.model.safe_text import clean
from kguard.reporters.results import MANAGED_BY
from kguard.reporters.settings import Settings

MAX_EVENTS = 100
"""More are not told one by one: an API server keeps Events among everything else."""
MAX_NOTE = 1024
_CONTROLLER = "kguard.dev/scan"
_ELSEWHERE = "default"


def render(report: Report, settings: Settings) -> str:
    """The new critical findings as a List of Events (events.k8s.io/v1), as JSON."""
    new = [f for f in report.findings if _is_told(f) and f.fingerprint not in settings.known]
    items = [_about(finding, report) for finding in new[:MAX_EVENTS]]
    if len(new) > MAX_EVENTS:
        items.append(_rest(new[MAX_EVENTS:], report))
    text = msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items})
    return msgspec.json.format(text, indent=2).decode() + "\n"


def _is_told(finding: Finding) -> bool:
    return finding.severity == "critical" and finding.state == "open"


def _about(finding: Finding, report: Report) -> dict[str, Any]:
    target = finding.target
    named = {
        "apiVersion": clean(target.api_version),
        "kind": clean(target.kind),
        "namespace": clean(target.namespace),
        "name": clean(target.name),
    }
    regarding = {key: value for key, value in named.items() if value}
    note = f"{finding.policy}: {clean(finding.message)}"
    return _event(finding.fingerprint, report, note, regarding)


def _rest(findings: Sequence[Finding], report: Report) -> dict[str, Any]:
    note = f"{len(findings)} more critical findings are new; the report names them"
    regarding = {"apiVersion": "v1", "kind": "Namespace", "name": _ELSEWHERE}
    return _event("more", report, note, regarding)


def _event(name: str, report: Report, note: str, regarding: dict[str, str]) -> dict[str, Any]:
    stamp = report.at.replace("-", "").replace(":", "").lower()
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"kguard-{name}.{stamp}",
            "namespace": regarding.get("namespace", _ELSEWHERE),
            "labels": MANAGED_BY,
        },
        "type": "Warning",
        "reason": "CriticalFinding",
        "action": "Audit",
        "note": note if len(note) <= MAX_NOTE else note[: MAX_NOTE - 1] + "…",
        "regarding": regarding,
        "reportingController": _CONTROLLER,
        "reportingInstance": "kguard",
        "eventTime": report.at.replace("Z", ".000000Z"),
    }
