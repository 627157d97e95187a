# SPDX-License-Identifier: Apache-2.0
"""What do the reports of several clusters say together?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from kguard.model.clusters import Cell, ClusterRow
from kguard.model.findings import (
    FAMILIES,
    LAYERS,
    SEVERITIES,
    Assumed,
    Finding,
    Incomplete,
    LayerCoverage,
    Report,
)
from kguard.model.manifests import NotEvaluated
from kguard.scan import order

_STATES = ("unknown", "evaluated", "not_evaluated", "no_evidence")
"""Of several clusters the first of these states that one of them has."""
_PRESENT = ("open", "baseline")
Entry = TypeVar("Entry", Incomplete, NotEvaluated)


def row(name: str, report: Report, since: Mapping[str, str] | None = None) -> ClusterRow:
    """A report in one line.

    Args:
        name: of the cluster.
        report: of the cluster.
        since: since when findings have been there, by fingerprint; what a history knows.
    """
    first = next(iter(report.incomplete), None)
    return ClusterRow(
        name=name,
        at=report.at,
        complete=report.complete,
        reason=f"{first.source}: {first.reason}" if first else "",
        objects=report.objects,
        findings=_counts(report.findings),
        unknown=_undecided(report.findings),
        layers={
            layer: _cell(report.coverage[layer], _of(report, layer), since or {})
            for layer in LAYERS
            if layer in report.coverage
        },
    )


def _of(report: Report, layer: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.layer == layer]


def _cell(coverage: LayerCoverage, findings: list[Finding], since: Mapping[str, str]) -> Cell:
    counts = _counts(findings)
    worst = [f for f in findings if f.state in _PRESENT and f.severity == next(iter(counts), "")]
    return Cell(
        state=coverage.state,
        evaluated=coverage.evaluated,
        total=coverage.total,
        subject=coverage.subject,
        findings=counts,
        unknown=_undecided(findings),
        since=min((since[f.fingerprint] for f in worst if f.fingerprint in since), default=""),
    )


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are by severity, the worst first."""
    counts = Counter(finding.severity for finding in findings if finding.state in _PRESENT)
    return {name: counts[name] for name in reversed(SEVERITIES) if counts[name]}


def _undecided(findings: Iterable[Finding]) -> int:
    return sum(finding.state == "unknown" for finding in findings)


def merged(rows: Sequence[ClusterRow], reports: Sequence[Report]) -> Report:
    """One report about several clusters; its findings name theirs.

    Args:
        rows: the clusters, by name.
        reports: their reports, in the same order; what is left out of them is left out here.
    """
    named = [(row.name, report) for row, report in zip(rows, reports, strict=True)]
    findings = [_placed(finding, name) for name, report in named for finding in report.findings]
    return Report(
        findings=tuple(sorted(findings, key=order)),
        complete=all(row.complete for row in rows),
        incomplete=tuple(sorted(_prefixed(n, e) for n, r in named for e in r.incomplete)),
        coverage=dict(_coverage(reports)),
        not_evaluated=tuple(sorted(_prefixed(n, e) for n, r in named for e in r.not_evaluated)),
        assumed=_assumed(reports),
        scope=reports[0].scope,
        at=reports[0].at,
        inputs=(),
        objects=sum(row.objects for row in rows),
        policies={name: one for report in reports for name, one in report.policies.items()},
        facts={},
        clusters=tuple(rows),
    )


def _placed(finding: Finding, name: str) -> Finding:
    target = msgspec.structs.replace(finding.target, cluster=name)
    return msgspec.structs.replace(finding, target=target)


def _prefixed(name: str, entry: Entry) -> Entry:
    """What was not read or not evaluated, with the cluster in which it was not."""
    return msgspec.structs.replace(entry, source=f"{name}: {entry.source}")


def _coverage(reports: Sequence[Report]) -> Iterator[tuple[str, LayerCoverage]]:
    for layer in FAMILIES:
        mine = [report.coverage[layer] for report in reports if layer in report.coverage]
        if mine:
            states = {one.state for one in mine}
            yield (
                layer,
                LayerCoverage(
                    state=next(state for state in _STATES if state in states),
                    evaluated=sum(one.evaluated for one in mine),
                    total=sum(one.total for one in mine),
                    subject=next((one.subject for one in mine if one.subject), ""),
                ),
            )


def _assumed(reports: Iterable[Report]) -> dict[str, Assumed]:
    """What is taken for granted; values that differ stand beside one another."""
    found: dict[str, list[Assumed]] = {}
    for report in reports:
        for key, entry in report.assumed.items():
            found.setdefault(key, []).append(entry)
    return {key: _joined(entries) for key, entries in sorted(found.items())}


def _joined(entries: Sequence[Assumed]) -> Assumed:
    values = sorted({entry.value for entry in entries if entry.value})
    return msgspec.structs.replace(entries[0], value=", ".join(values))
