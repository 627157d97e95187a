# SPDX-License-Identifier: Apache-2.0
"""What does a report say to an auditor: each clause of the frameworks, with its evidence?

One HTML file without script, like the report for engineers. A clause has a state and a reach:
whether policies decide it, can only refute it, or do not look at it. Each finding that speaks for
a clause stands once, below, with the lines that decide it; a clause names at most
`clauses.MAX_SHOWN` of them and counts the others, so that the page stays small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from kguard import __version__
from kguard.model.controls import Framework
from kguard.model.findings import Finding, Report
from kguard.reporters.anchors import anchored, path_of
from kguard.reporters.clauses import Judgement, judged
from kguard.reporters.html.page import Item, item
from kguard.reporters.html.template import filled
from kguard.reporters.settings import Settings
from kguard.reporters.text import assumptions

MAX_NOT_READ = 200
"""Lines about what was not read, and as many about what was not evaluated."""
COLUMNS = (
    "failed",
    "unknown",
    "not evaluated",
    "no evidence",
    "accepted deviations",
    "passed in part",
    "passed",
    "manual",
)


class Row(msgspec.Struct, frozen=True):
    """One clause with the findings that speak for it, each with the place that decides it."""

    judgement: Judgement
    shown: tuple[tuple[Finding, str], ...]


class Section(msgspec.Struct, frozen=True):
    """One framework."""

    framework: Framework
    rows: tuple[Row, ...]
    counts: dict[str, int]
    """Clauses by their state in words."""


class Entry(msgspec.Struct, frozen=True):
    """One finding that speaks for clauses."""

    finding: Finding
    item: Item
    clauses: tuple[str, ...]


def render(report: Report, settings: Settings) -> str:
    """The page of the chosen frameworks."""
    found = judged(report, settings.frameworks)
    entries = _entries(found)
    return filled(
        "controls.html",
        report=report,
        columns=COLUMNS,
        assumptions=assumptions(report),
        sections=[_section(framework, rows, report) for framework, rows in found],
        entries=entries,
        left_out=len(report.findings) - len(entries),
        not_read=report.incomplete[:MAX_NOT_READ],
        not_evaluated=report.not_evaluated[:MAX_NOT_READ],
        more_not_read=_beyond(report.incomplete) + _beyond(report.not_evaluated),
        version=__version__,
    )


def _section(framework: Framework, rows: Sequence[Judgement], report: Report) -> Section:
    shown = (
        Row(row, tuple((finding, _place(finding, report)) for finding in row.shown)) for row in rows
    )
    return Section(framework, tuple(shown), dict(Counter(row.words for row in rows)))


def _place(finding: Finding, report: Report) -> str:
    place = anchored(finding, report.inputs)[0]
    return f"{path_of(place)}:{place.line}" if place.line else path_of(place)


def _beyond(entries: Sequence[object]) -> int:
    return max(len(entries) - MAX_NOT_READ, 0)


def _entries(found: Sequence[tuple[Framework, Sequence[Judgement]]]) -> list[Entry]:
    """Each finding that a clause shows, once, with the clauses; in the order of the report."""
    clauses: dict[str, list[str]] = {}
    findings: dict[str, Finding] = {}
    for _, rows in found:
        for row in rows:
            for finding in row.shown:
                findings[finding.fingerprint] = finding
                clauses.setdefault(finding.fingerprint, []).append(row.clause.id)
    ordered = sorted(findings.values(), key=lambda finding: (finding.policy, finding.target))
    return [Entry(f, item(f), tuple(clauses[f.fingerprint])) for f in ordered]
