# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to Prometheus?

The text format of the exposition (https://prometheus.io/docs/instrumenting/exposition_formats/),
for the textfile collector of node_exporter or a Pushgateway. No series is about one object: their
number is bounded by layers, severities and states. A layer that did not run has no series at all,
so that its silence cannot be taken for health.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from kguard import __version__
from kguard.model.findings import SEVERITIES, Report, State
from kguard.reporters.settings import Settings

_STATES: tuple[str, ...] = get_args(State)
_COVERAGE = ("evaluated", "unknown", "not_evaluated", "no_evidence")


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as metrics."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from _head("kguard_build_info", "The version of kguard that made the report.")
    yield f'kguard_build_info{{version="{__version__}"}} 1'
    yield from _head("kguard_scan_timestamp_seconds", "The time of the scan.")
    at = datetime.fromisoformat(report.at).timestamp()
    yield f"kguard_scan_timestamp_seconds {at:.0f}"
    yield from _head("kguard_scan_complete", "Whether everything that was asked for was evaluated.")
    yield f"kguard_scan_complete {int(report.complete)}"
    yield from _head("kguard_scan_incomplete", "How many things could not be read or evaluated.")
    yield f"kguard_scan_incomplete {len(report.incomplete)}"
    yield from _head("kguard_objects", "Objects in the input.")
    yield f"kguard_objects {report.objects}"
    yield from _layers(report)
    yield from _findings(report)


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"


def _layers(report: Report) -> Iterator[str]:
    coverage = sorted(report.coverage.items())
    yield from _head("kguard_layer_state", "1 for the state of a layer, 0 for the others.")
    for layer, one in coverage:
        for state in _COVERAGE:
            labels = f'layer="{layer}",state="{state}"'
            yield f"kguard_layer_state{{{labels}}} {int(one.state == state)}"
    yield from _head("kguard_layer_subjects", "Subjects of a layer.")
    yield from (f'kguard_layer_subjects{{layer="{n}"}} {one.total}' for n, one in coverage)
    yield from _head("kguard_layer_subjects_evaluated", "Subjects judged with certainty.")
    for layer, one in coverage:
        yield f'kguard_layer_subjects_evaluated{{layer="{layer}"}} {one.evaluated}'


def _findings(report: Report) -> Iterator[str]:
    counts = Counter((f.layer, f.severity, f.state) for f in report.findings)
    layers = sorted({*report.coverage, *(finding.layer for finding in report.findings)})
    yield from _head("kguard_findings", "Findings by layer, severity and state.")
    for layer in layers:
        for severity in SEVERITIES:
            for state in _STATES:
                labels = f'layer="{layer}",severity="{severity}",state="{state}"'
                count = counts[layer, severity, state]  # type: ignore[index]
                yield f"kguard_findings{{{labels}}} {count}"
