# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to a log shipper: one JSON object on each line?

A line for each finding and one for the whole scan at the end (of several clusters, of each), none
longer than `MAX_LINE` bytes: container runtimes cut lines at 16 KiB, and what is cut is no JSON any
more.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard import __version__
from kguard.model.findings import Finding, Report, Severity, State
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


class Line(
    msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="event", tag="kguard.finding"
):
    """One finding."""

    time: str
    """The time of the scan, RFC 3339 in UTC."""
    severity: Severity
    state: State
    layer: str
    policy: str
    cluster: str = ""
    namespace: str = ""
    kind: str = ""
    name: str = ""
    message: str
    place: str
    """`file:line`, or the object and field in a cluster."""
    fingerprint: str


class Share(msgspec.Struct, kw_only=True):
    """How much of a layer was evaluated."""

    state: str
    evaluated: int
    total: int


class Summary(msgspec.Struct, kw_only=True, tag_field="event", tag="kguard.scan"):
    """The whole scan: the last line."""

    time: str
    version: str
    cluster: str = ""
    """Its name, where the lines of others stand beside these."""
    complete: bool
    exit_code: int
    inputs: list[str]
    """The first inputs."""
    objects: int
    findings: dict[str, int]
    """All findings by state, those without a line of their own, too."""
    left_out: int
    """Findings without a line of their own."""
    layers: dict[str, Share]
    incomplete: int
    reasons: list[str]
    """The first reasons why the scan is incomplete."""


Entry = Line | Summary
"""Any line; `event` tells which it is."""


def render(report: Report, settings: Settings) -> str:
    """The report as lines of JSON."""
    return "".join(f"{msgspec.json.encode(line).decode()}\n" for line in _lines(report, settings))


def _lines(report: Report, settings: Settings) -> Iterator[Entry]:
    kept, others = worst(report.findings, MAX_FINDINGS)
    for finding in kept:
        yield _finding(finding, report, settings.cluster)
    yield _summary(report, settings, others)


def _finding(finding: Finding, report: Report, cluster: str) -> Line:
    place, target = anchored(finding, report.inputs)[0], finding.target
    where = f"{path_of(place)}:{place.line}" if place.line else path_of(place)
    return Line(
        time=report.at,
        severity=finding.severity,
        state=finding.state,
        layer=finding.layer,
        policy=_short(finding.policy, MAX_NAME),
        cluster=_short(target.cluster or cluster, MAX_NAME),
        namespace=_short(target.namespace, MAX_NAME),
        kind=_short(target.kind, MAX_NAME),
        name=_short(target.name, MAX_NAME),
        message=_short(finding.message, MAX_TEXT),
        place=_short(where, MAX_TEXT),
        fingerprint=finding.fingerprint,
    )


def _short(text: str, limit: int) -> str:
    return shortened(clean(text), limit)


def _summary(report: Report, settings: Settings, others: int) -> Summary:
    return Summary(
        time=report.at,
        version=__version__,
        cluster=_short(settings.cluster, MAX_NAME),
        complete=report.complete,
        exit_code=settings.exit_code,
        inputs=[_short(name, MAX_NAME) for name in report.inputs[:MAX_REASONS]],
        objects=report.objects,
        findings=by_state(report),
        left_out=others,
        layers={
            layer: Share(state=one.state, evaluated=one.evaluated, total=one.total)
            for layer, one in sorted(report.coverage.items())
        },
        incomplete=len(report.incomplete),
        reasons=[
            _short(f"{entry.source}: {entry.reason}", MAX_NAME)
            for entry in report.incomplete[:MAX_REASONS]
        ],
    )
