# SPDX-License-Identifier: Apache-2.0
"""What do the reports of several clusters say together?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from kguard.model import rows
from kguard.model.clusters import ClusterRow
from kguard.model.findings import (
    FAMILIES,
    Assumed,
    Finding,
    Incomplete,
    LayerCoverage,
    Report,
    reason_of,
)
from kguard.model.manifests import NotEvaluated
from kguard.scan import order

_STATES = ("unknown", "evaluated", "not_evaluated", "no_evidence")
"""Of several clusters the first of these states that one of them has."""
_HOW = ("assumed", "configured", "detected")
"""From the weakest reason on: what was detected of one cluster may be assumed of another."""
Entry = TypeVar("Entry", Incomplete, NotEvaluated)


def row(name: str, report: Report, since: Mapping[str, str] | None = None) -> ClusterRow:
    """A report in one line.

    Args:
        name: of the cluster.
        report: of the cluster.
        since: since when findings have been there, by fingerprint; what a history knows.
    """
    return rows.row(
        name,
        report.at,
        reason=reason_of(report),
        objects=report.objects,
        coverage=report.coverage,
        findings=report.findings,
        since=since or {},
    )


def merged(lines: Sequence[ClusterRow], reports: Sequence[Report]) -> Report:
    """One report about several clusters; its findings name theirs.

    Args:
        lines: the clusters, by name.
        reports: their reports, in the same order; what is left out of them is left out here.
    """
    named = [(line.name, report) for line, report in zip(lines, reports, strict=True)]
    findings = [_placed(finding, name) for name, report in named for finding in report.findings]
    return Report(
        findings=tuple(sorted(findings, key=order)),
        complete=all(line.complete for line in lines),
        incomplete=tuple(sorted(_prefixed(n, e) for n, r in named for e in r.incomplete)),
        coverage=dict(_coverage(reports)),
        not_evaluated=tuple(sorted(_prefixed(n, e) for n, r in named for e in r.not_evaluated)),
        assumed=_assumed(reports),
        scope=reports[0].scope,
        at=reports[0].at,
        inputs=(),
        objects=sum(line.objects for line in lines),
        policies={name: one for report in reports for name, one in report.policies.items()},
        facts={},
        clusters=tuple(lines),
    )


def table(lines: Sequence[ClusterRow]) -> Report:
    """A report that holds nothing but where clusters stand."""
    return Report(
        findings=(),
        complete=all(line.complete for line in lines),
        incomplete=(),
        coverage={},
        not_evaluated=(),
        assumed={},
        scope="cluster",
        at=max((line.at for line in lines), default=""),
        inputs=(),
        objects=sum(line.objects for line in lines),
        policies={},
        facts={},
        clusters=tuple(lines),
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
                    note=_alike(one.note for one in mine),
                ),
            )


def _alike(notes: Iterable[str]) -> str:
    """What is said of every cluster; nothing where it is not the same of all."""
    found = {*notes}
    return found.pop() if len(found) == 1 else ""


def _assumed(reports: Iterable[Report]) -> dict[str, Assumed]:
    """What is taken for granted; values that differ stand beside one another."""
    found: dict[str, list[Assumed]] = {}
    for report in reports:
        for key, entry in report.assumed.items():
            found.setdefault(key, []).append(entry)
    return {key: _joined(entries) for key, entries in sorted(found.items())}


def _joined(entries: Sequence[Assumed]) -> Assumed:
    values = sorted({entry.value for entry in entries if entry.value})
    weakest = min(entries, key=lambda entry: _HOW.index(entry.how))
    return msgspec.structs.replace(weakest, value=" or ".join(values))
