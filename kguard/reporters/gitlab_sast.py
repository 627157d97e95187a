# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to GitLab's security reports (SAST)?

Authority: gitlab-org/security-products/security-report-schemas, sast-report-format.json 15.0.x.
Waived findings are left out; undecided ones have the severity `Unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kguard import __version__
from kguard.model.findings import Finding, Report, Severity
from kguard.model.safe_text import clean
from kguard.reporters.anchors import anchored, identifier, path_of
from kguard.reporters.bounds import left_out, worst
from kguard.reporters.settings import Settings

SCHEMA_VERSION = "15.0.6"
MAX_VULNERABILITIES = 25_000
MAX_MESSAGES = 200
MAX_NAME = 255
MAX_TEXT = 15_000
_SEVERITIES: dict[Severity, str] = {
    "critical": "Critical",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
    "info": "Info",
}


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as a SAST report."""
    shown = [finding for finding in report.findings if finding.state != "waived"]
    kept, others = worst(shown, MAX_VULNERABILITIES)
    at = report.at.removesuffix("Z")
    tool = {
        "id": "kguard",
        "name": "kguard",
        "version": __version__,
        "vendor": {"name": "kguard"},
        "url": "https://kguard.dev",
    }
    document = {
        "version": SCHEMA_VERSION,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": "sast",
            "start_time": at,
            "end_time": at,
            "status": "success" if report.complete else "failure",
            "messages": [*_messages(report, others)],
        },
        "vulnerabilities": [_vulnerability(finding, report) for finding in kept],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _messages(report: Report, others: int) -> Iterator[dict[str, str]]:
    for entry in report.incomplete[:MAX_MESSAGES]:
        text = f"{entry.source}: {entry.reason}"
        yield {"level": "fatal", "value": _short(text, MAX_NAME)}
    if others:
        yield {"level": "warn", "value": left_out(others)}


def _vulnerability(finding: Finding, report: Report) -> dict[str, Any]:
    place = anchored(finding, report.inputs)[0]
    policy = report.policies.get(finding.policy)
    name = policy.title if policy else finding.policy
    lines = {"start_line": max(place.line, 1), "end_line": max(place.end_line, place.line, 1)}
    undecided = finding.state == "unknown"
    return {
        "id": identifier(finding.fingerprint),
        "name": _short(name, MAX_NAME),
        "description": _short(finding.message, MAX_TEXT),
        "severity": "Unknown" if undecided else _SEVERITIES[finding.severity],
        "location": {"file": clean(path_of(place)).removeprefix("./"), **lines},
        "identifiers": [
            {"type": "kguard_policy", "name": finding.policy, "value": finding.policy},
            {"type": "kguard", "name": "fingerprint", "value": finding.fingerprint},
        ],
    }


def _short(text: str, limit: int) -> str:
    found = clean(text) or "-"
    return found if len(found) <= limit else found[: limit - 1] + "…"
