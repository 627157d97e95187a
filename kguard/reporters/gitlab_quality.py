# SPDX-License-Identifier: Apache-2.0
"""What does a report look like in a merge request of GitLab (Code Quality)?

Authority: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. Waived
findings are left out; undecided ones are said as such.
"""

from __future__ import annotations

import msgspec

from kguard.model.findings import Finding, Report, Severity
from kguard.model.safe_text import clean
from kguard.reporters.anchors import anchored, identifier, path_of
from kguard.reporters.bounds import left_out, worst
from kguard.reporters.settings import Settings

MAX_ISSUES = 25_000
_SEVERITIES: dict[Severity, str] = {
    "critical": "blocker",
    "high": "critical",
    "medium": "major",
    "low": "minor",
    "info": "info",
}


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as the JSON array that GitLab reads."""
    shown = [finding for finding in report.findings if finding.state != "waived"]
    kept, others = worst(shown, MAX_ISSUES)
    issues = [_issue(finding, report) for finding in kept]
    if others:
        issues.append(_others(others, report))
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _others(number: int, report: Report) -> dict[str, object]:
    return {
        "description": left_out(number),
        "check_name": "kguard/left-out",
        "fingerprint": identifier("left-out"),
        "severity": "info",
        "location": {"path": clean(next(iter(report.inputs), "") or "."), "lines": {"begin": 1}},
    }


def _issue(finding: Finding, report: Report) -> dict[str, object]:
    place = anchored(finding, report.inputs)[0]
    doubt = "undecided: " if finding.state == "unknown" else ""
    return {
        "description": clean(f"{doubt}{finding.message}"),
        "check_name": finding.policy,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": clean(path_of(place)).removeprefix("./"),
            "lines": {"begin": max(place.line, 1)},
        },
    }
