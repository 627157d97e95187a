# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to Prometheus?

The text format of the exposition (https://prometheus.io/docs/instrumenting/exposition_formats/),
for the textfile collector of node_exporter or a Pushgateway. No series is about one object: their
number is bounded by clusters, layers, severities and states. A layer that did not run has no series
at all, so that its silence cannot be taken for health. Where several clusters are audited, each
series bears the name of its cluster: a collector refuses two that are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import get_args

import msgspec

from kguard import __version__
from kguard.model.clusters import Cell, ClusterRow
from kguard.model.findings import LAYERS, SEVERITIES, Finding, LayerCoverage, Report, State
from kguard.reporters.settings import Settings

_STATES: tuple[str, ...] = get_args(State)
_COVERAGE = ("evaluated", "unknown", "not_evaluated", "no_evidence")


class _Part(msgspec.Struct, frozen=True):
    """One cluster, or the only input."""

    cluster: str
    """Its name; empty where there is only one."""
    at: str
    complete: bool
    incomplete: int
    """How many things could not be read or evaluated."""
    objects: int
    coverage: Mapping[str, LayerCoverage | Cell]
    findings: Mapping[tuple[str, str, str], int]
    """How many, by layer, severity and state."""

    def series(self, name: str, value: int, **labels: str) -> str:
        """A line with a value."""
        named = {**({"cluster": self.cluster} if self.cluster else {}), **labels}
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in named.items())
        return f"{name}{{{inner}}} {value}" if inner else f"{name} {value}"


def render(report: Report, settings: Settings) -> str:
    """The report as metrics."""
    parts = [_of_row(report, row) for row in report.clusters]
    return "".join(f"{line}\n" for line in _lines(parts or [_whole(report, settings.cluster)]))


def _whole(report: Report, cluster: str) -> _Part:
    coverage = {layer: report.coverage[layer] for layer in LAYERS if layer in report.coverage}
    families = {*report.coverage, *(finding.layer for finding in report.findings)}
    return _Part(
        cluster,
        report.at,
        report.complete,
        len(report.incomplete),
        report.objects,
        coverage,
        _counts(report.findings, families),
    )


def _of_row(report: Report, row: ClusterRow) -> _Part:
    """What a report about several clusters says about one of them."""
    mine = [finding for finding in report.findings if finding.target.cluster == row.name]
    incomplete = sum(entry.source.startswith(f"{row.name}: ") for entry in report.incomplete)
    counts = _counts(mine, {*row.layers, *(finding.layer for finding in mine)})
    return _Part(row.name, row.at, row.complete, incomplete, row.objects, row.layers, counts)


def _counts(findings: Iterable[Finding], families: set[str]) -> dict[tuple[str, str, str], int]:
    """How many findings there are; what is zero is said."""
    found = Counter((str(f.layer), str(f.severity), str(f.state)) for f in findings)
    keys = product(sorted(families), SEVERITIES, _STATES)
    return {key: found[key] for key in keys}


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _lines(parts: Sequence[_Part]) -> Iterator[str]:
    yield from _head("kguard_build_info", "The version of kguard that made the report.")
    yield from (part.series("kguard_build_info", 1, version=__version__) for part in parts)
    name = "kguard_scan_timestamp_seconds"
    yield from _head(name, "The time of the scan.")
    yield from (part.series(name, int(_seconds(part.at))) for part in parts)
    name = "kguard_scan_complete"
    yield from _head(name, "Whether everything that was asked for was evaluated.")
    yield from (part.series(name, int(part.complete)) for part in parts)
    name = "kguard_scan_incomplete"
    yield from _head(name, "How many things could not be read or evaluated.")
    yield from (part.series(name, part.incomplete) for part in parts)
    yield from _head("kguard_objects", "Objects in the input.")
    yield from (part.series("kguard_objects", part.objects) for part in parts)
    yield from _layers(parts)
    yield from _findings(parts)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"


def _layers(parts: Sequence[_Part]) -> Iterator[str]:
    each = [(part, *entry) for part in parts for entry in sorted(part.coverage.items())]
    name = "kguard_layer_state"
    yield from _head(name, "1 for the state of a layer, 0 for the others.")
    for part, layer, one in each:
        for state in _COVERAGE:
            yield part.series(name, int(one.state == state), layer=layer, state=state)
    name = "kguard_layer_subjects"
    yield from _head(name, "Subjects of a layer.")
    yield from (part.series(name, one.total, layer=layer) for part, layer, one in each)
    name = "kguard_layer_subjects_evaluated"
    yield from _head(name, "Subjects judged with certainty.")
    yield from (part.series(name, one.evaluated, layer=layer) for part, layer, one in each)


def _findings(parts: Sequence[_Part]) -> Iterator[str]:
    name = "kguard_findings"
    yield from _head(name, "Findings by layer, severity and state.")
    for part in parts:
        for (layer, severity, state), count in part.findings.items():
            yield part.series(name, count, layer=layer, severity=severity, state=state)
