# SPDX-License-Identifier: Apache-2.0
"""What stands on the page about several clusters?

A row for each. Where the clusters have pages of their own, the row leads there; else what was found
in each follows, by policy, bounded: of each cluster so many policies, of each so many objects.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kguard.model.clusters import Cell, ClusterRow
from kguard.model.findings import LAYERS, SEVERITIES, Finding, LayerCoverage, Report
from kguard.reporters.html.page import SHORT
from kguard.reporters.settings import Settings
from kguard.reporters.text import Group, evaluated, grouped, listed, totals

MAX_POLICIES = 40
"""Policies that are shown of one cluster."""
MAX_TARGETS = 8
"""Objects that are named of one policy."""
MAX_FINDINGS = 20_000
"""Findings whose policies are shown of all clusters together; the table counts the others, too."""


class Square(msgspec.Struct, frozen=True):
    """One layer of one cluster as the table shows it."""

    worst: str
    """The severity of its worst finding; `unknown`, the state of the layer, or `none`."""
    text: str
    evaluated: str
    share: int
    """Percent of the subjects that were judged with certainty."""
    since: str


class Line(msgspec.Struct, frozen=True):
    """The findings of one policy in one cluster."""

    severity: str
    state: str
    policy: str
    title: str
    message: str
    count: int
    also: str


class Section(msgspec.Struct, frozen=True):
    """One cluster."""

    row: ClusterRow
    anchor: str
    page: str
    """The file with its own report; empty where there is none."""
    squares: tuple[Square, ...]
    lines: tuple[Line, ...]
    left_out: int
    """Findings that are not shown here."""


class Page(msgspec.Struct, frozen=True):
    """Everything that the template shows."""

    report: Report
    totals: str
    layers: tuple[str, ...]
    sections: tuple[Section, ...]
    table_only: bool
    """Whether what was found in each is not listed below the table."""
    complete: int
    """Clusters of which everything was evaluated."""


def page(report: Report, settings: Settings) -> Page:
    """The page of a report about several clusters, the worst first."""
    mine: dict[str, list[Finding]] = {row.name: [] for row in report.clusters}
    for finding in report.findings[:MAX_FINDINGS]:
        mine[finding.target.cluster].append(finding)
    rows = sorted(enumerate(report.clusters), key=lambda one: (_badness(one[1]), one[1].name))
    return Page(
        report=report,
        totals=totals(report) if report.findings else _counted(report.clusters),
        layers=tuple(SHORT.get(name, name.capitalize()) for name in LAYERS),
        sections=tuple(
            _section(row, f"cluster-{number}", mine[row.name], report, settings)
            for number, row in rows
        ),
        table_only=bool(settings.pages) or not report.coverage,
        complete=sum(row.complete for row in report.clusters),
    )


def _badness(row: ClusterRow) -> tuple[int, ...]:
    """Clusters with more of the worst findings come first."""
    return tuple(-row.findings.get(severity, 0) for severity in reversed(SEVERITIES))


def _counted(rows: Sequence[ClusterRow]) -> str:
    """How many findings the rows have, where the report itself does not hold them."""
    counts = {s: sum(row.findings.get(s, 0) for row in rows) for s in reversed(SEVERITIES)}
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    total, undecided = sum(counts.values()), sum(row.unknown for row in rows)
    found = f"{total} finding{'' if total == 1 else 's'} ({said})" if total else "No findings"
    return f"{found}, {undecided} undecided" if undecided else found


def _section(
    row: ClusterRow, anchor: str, findings: Sequence[Finding], report: Report, settings: Settings
) -> Section:
    own = msgspec.structs.replace(report, findings=tuple(findings))
    groups = grouped(own, ("open", "baseline", "unknown"))
    lines = tuple(_line(group) for group in groups[:MAX_POLICIES])
    return Section(
        row=row,
        anchor=anchor,
        page=settings.pages.get(row.name, ""),
        squares=tuple(_square(row.layers.get(name)) for name in LAYERS),
        lines=lines,
        left_out=sum(row.findings.values()) + row.unknown - sum(line.count for line in lines),
    )


def _square(cell: Cell | None) -> Square:
    if cell is None:
        return Square("none", "not asked for", "", 0, "")
    coverage = LayerCoverage(cell.state, cell.evaluated, cell.total, cell.subject, cell.note)
    counts = [f"{count} {severity}" for severity, count in cell.findings.items()]
    counts += [f"{cell.unknown} undecided"] if cell.unknown else []
    quiet = {"evaluated": "no findings", "unknown": "unknown"}.get(cell.state, "-")
    unknown = "unknown" if cell.unknown or cell.state == "unknown" else "none"
    return Square(
        worst=next(iter(cell.findings), unknown),
        text=", ".join(counts) or quiet,
        evaluated=evaluated(coverage) if counts or cell.total or quiet == "-" else "",
        share=100 * cell.evaluated // cell.total if cell.total else 0,
        since=cell.since,
    )


def _line(group: Group) -> Line:
    first, *rest = group.findings
    names = [*dict.fromkeys(finding.target for finding in rest)]
    more = len(names) - MAX_TARGETS
    return Line(
        severity=first.severity,
        state=first.state,
        policy=first.policy,
        title=group.title,
        message=first.message,
        count=len(group.findings),
        also=listed(names[:MAX_TARGETS], names) + (f" and {more} more" if more > 0 else ""),
    )
