# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to a log shipper: one JSON object on each line?

A line for each finding and one for the whole scan at the end, none longer than `MAX_LINE` bytes:
container runtimes cut lines at 16 KiB, and what is cut is no JSON any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kguard import __version__
from kguard.model.findings import Finding, Report
from kguard.model.safe_text import clean, shortened
from kguard.reporters.anchors import anchored, path_of
from kguard.reporters.bounds import worst
from kguard.reporters.settings import Settings
from kguard.reporters.text import by_state

MAX_LINE = 16_000
"""Bytes of a line, its end included."""
MAX_FINDINGS = 100_000
"""Findings that have a line of their own, the worst first; the others are counted."""
MAX_TEXT = 1000
MAX_NAME = 300
MAX_REASONS = 3


def render(report: Report, settings: Settings) -> str:
    """The report as lines of JSON."""
    return "".join(f"{line}\n" for line in _lines(report, settings))


def _lines(report: Report, settings: Settings) -> Iterator[str]:
    kept, others = worst(report.findings, MAX_FINDINGS)
    for finding in kept:
        yield _encoded(_finding(finding, report))
    yield _encoded(_summary(report, settings, others))


def _encoded(entry: dict[str, Any]) -> str:
    return msgspec.json.encode(entry).decode()


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    place, target = anchored(finding, report.inputs)[0], finding.target
    where = f"{path_of(place)}:{place.line}" if place.line else path_of(place)
    named = {
        "cluster": target.cluster,
        "namespace": target.namespace,
        "kind": target.kind,
        "name": target.name,
    }
    return {
        "event": "kguard.finding",
        "time": report.at,
        "severity": finding.severity,
        "state": finding.state,
        "layer": finding.layer,
        "policy": _short(finding.policy, MAX_NAME),
        **{key: _short(value, MAX_NAME) for key, value in named.items() if value},
        "message": _short(finding.message, MAX_TEXT),
        "place": _short(where, MAX_TEXT),
        "fingerprint": finding.fingerprint,
    }


def _short(text: str, limit: int) -> str:
    return shortened(clean(text), limit)


def _summary(report: Report, settings: Settings, others: int) -> dict[str, Any]:
    coverage = {
        layer: {"state": one.state, "evaluated": one.evaluated, "total": one.total}
        for layer, one in sorted(report.coverage.items())
    }
    reasons = [
        _short(f"{entry.source}: {entry.reason}", MAX_NAME)
        for entry in report.incomplete[:MAX_REASONS]
    ]
    return {
        "event": "kguard.scan",
        "time": report.at,
        "version": __version__,
        "complete": report.complete,
        "exit_code": settings.exit_code,
        "inputs": [_short(name, MAX_NAME) for name in report.inputs[:MAX_REASONS]],
        "objects": report.objects,
        "findings": by_state(report),
        "left_out": others,
        "layers": coverage,
        "incomplete": len(report.incomplete),
        "reasons": reasons,
    }
