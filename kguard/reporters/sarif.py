# SPDX-License-Identifier: Apache-2.0
"""What does a report look like in SARIF 2.1.0, within the limits of GitHub's code scanning?

Authority: OASIS SARIF 2.1.0 errata 01; GitHub's "SARIF support for code scanning" for the limits
and the fields that it requires. The fingerprint that GitHub compares is structural, not a hash of
lines: it survives reordering and unrelated edits. Waived findings are left out, because GitHub
does not read suppressions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from kguard import __version__
from kguard.model.findings import SEVERITIES, Finding, Policy, Report, Severity
from kguard.model.locations import Location
from kguard.model.safe_text import clean
from kguard.reporters.anchors import anchored, path_of
from kguard.reporters.bounds import worst
from kguard.reporters.settings import Settings

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://kguard.dev"

MAX_RESULTS = 25_000
MAX_LOCATIONS = 100
MAX_NOTIFICATIONS = 500
"""Sentences about what was not read, and as many about what was not evaluated."""
MAX_TAGS = 10
MAX_TEXT = 1024
MAX_NAME = 255

_LEVELS: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SECURITY_SEVERITY: dict[Severity, str] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "3.0",
}
_PATH = re.compile(r"[^A-Za-z0-9._/-]+")


def render(report: Report, settings: Settings) -> str:
    """The report as a SARIF log with one run."""
    policies = sorted(report.policies.values(), key=lambda policy: policy.id)
    index = {policy.id: number for number, policy in enumerate(policies)}
    shown = [finding for finding in report.findings if finding.state != "waived"]
    kept, others = worst(shown, MAX_RESULTS)
    kept.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    driver = {
        "name": "kguard",
        "informationUri": HOME,
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(policy) for policy in policies],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": _category(report.inputs)},
        "invocations": [_invocation(report, settings, others)],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the scanned checkout"}}},
        "results": [_result(finding, index, report.inputs) for finding in kept],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _category(inputs: Sequence[str]) -> str:
    """What GitHub keeps apart: one analysis for each set of inputs."""
    name = _PATH.sub("-", " ".join(inputs)).strip("-/.")
    return f"kguard/{name[:100] or 'scan'}/"


def _rule(policy: Policy) -> dict[str, Any]:
    rule = {
        "id": policy.id,
        "name": _pascal(policy.id)[:MAX_NAME],
        "shortDescription": {"text": _text(policy.title, policy.id)},
        "fullDescription": {"text": _text(policy.description, policy.title)},
        "help": {"text": _help(policy, ""), "markdown": _help(policy, "**")},
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {
            "tags": _tags(policy),
            "precision": "very-high" if policy.kind == "effect" else "high",
            "problem.severity": _problem(policy.severity),
        },
    }
    if policy.severity in _SECURITY_SEVERITY:
        rule["properties"]["security-severity"] = _SECURITY_SEVERITY[policy.severity]  # type: ignore[index]
    if policy.related_resources:
        rule["helpUri"] = policy.related_resources[0]
    return rule


def _problem(severity: Severity) -> str:
    return {"error": "error", "warning": "warning", "note": "recommendation"}[_LEVELS[severity]]


def _tags(policy: Policy) -> list[str]:
    tags = ["security", "kubernetes", policy.layer, policy.kind, *policy.controls]
    return list(dict.fromkeys(tags))[:MAX_TAGS]


def _help(policy: Policy, bold: str) -> str:
    parts = [_text(policy.description, policy.title)]
    if policy.remedy:
        parts.append(f"{bold}Remedy:{bold} `kguard fix INPUT --policy {policy.id}`")
    elif policy.no_remedy:
        parts.append(f"{bold}No remedy by manifests:{bold} {clean(policy.no_remedy)}")
    if policy.controls:
        parts.append(f"{bold}Controls:{bold} {', '.join(policy.controls)}")
    parts += [f"<{link}>" if bold else link for link in policy.related_resources]
    return "\n\n".join(parts)


def _pascal(policy_id: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", policy_id))


def _text(text: str, otherwise: str) -> str:
    """Never empty, which GitHub takes for missing; never longer than it keeps."""
    found = clean(" ".join(text.split())) or clean(otherwise) or "-"
    return found if len(found) <= MAX_TEXT else found[: MAX_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _result(finding: Finding, index: dict[str, int], inputs: Sequence[str]) -> dict[str, Any]:
    primary, related = _places(finding, inputs)
    undecided = finding.state == "unknown"
    message = _text(finding.message, finding.policy).replace("](", "] (")
    result: dict[str, Any] = {
        "ruleId": finding.policy,
        "level": "note" if undecided else _LEVELS[finding.severity],
        "message": {"text": f"undecided: {message}" if undecided else message},
        "locations": [primary],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1",
            "kguard/v1": finding.fingerprint,
        },
        "properties": {
            "layer": finding.layer,
            "severity": finding.severity,
            "state": finding.state,
            "target": _text(str(finding.target), finding.policy),
        },
    }
    if finding.policy in index:
        result["ruleIndex"] = index[finding.policy]
    if related:
        result["relatedLocations"] = related
    if finding.state == "baseline":
        result["baselineState"] = "unchanged"
    return result


def _places(finding: Finding, inputs: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The place that an alert is shown at, and the others with their numbers."""
    first, *others = anchored(finding, inputs)
    related = [
        {"id": number, **_place(finding, place), "message": {"text": _note(finding, place)}}
        for number, place in enumerate(others[: MAX_LOCATIONS - 1], start=1)
    ]
    return _place(finding, first), related


def _note(finding: Finding, place: Location) -> str:
    for step in finding.evidence:
        if (step.file, step.line) == (place.file, place.line) and step.note:
            return _text(step.note, place.role)
    return place.role


def _place(finding: Finding, place: Location) -> dict[str, Any]:
    uri = quote(path_of(place), safe="/")
    artifact: dict[str, Any] = {"uri": uri}
    if place.file.startswith("/"):
        artifact["uri"] = f"file://{uri}"
    else:
        artifact["uriBaseId"] = "SRCROOT"
    return {
        "physicalLocation": {"artifactLocation": artifact, "region": _region(place)},
        "logicalLocations": [
            {"kind": "object", "fullyQualifiedName": _text(_name(finding), finding.policy)}
        ],
    }


def _name(finding: Finding) -> str:
    return finding.target.id + finding.path


def _region(place: Location) -> dict[str, int]:
    """All four numbers, which GitHub demands; the end column is exclusive."""
    line, column = max(place.line, 1), max(place.column, 1)
    end_line = max(place.end_line, line)
    least = column if end_line == line else 1
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": max(place.end_column, least),
    }


def _invocation(report: Report, settings: Settings, left_out: int) -> dict[str, Any]:
    notes = [
        _notification(level, f"{entry.source}: {entry.reason}")
        for level, entries in (("error", report.incomplete), ("note", report.not_evaluated))
        for entry in entries[:MAX_NOTIFICATIONS]
    ]
    if left_out:
        text = f"{left_out} results of least severity are left out: {MAX_RESULTS} is the limit"
        notes.append(_notification("error", text))
    return {
        "executionSuccessful": report.complete and not left_out,
        "exitCode": settings.exit_code,
        "endTimeUtc": report.at,
        "toolExecutionNotifications": notes,
    }


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _text(text, level)}}
