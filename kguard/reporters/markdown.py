# SPDX-License-Identifier: Apache-2.0
"""What does a report look like in a job summary or a comment on a pull request?

Everything that comes from the input is escaped: it can neither format, nor link, nor mention
anyone, nor leave its cell. The size stays below what GitHub keeps of a job summary.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from kguard.model.findings import Finding, Report
from kguard.model.safe_text import inert
from kguard.reporters import drift
from kguard.reporters.settings import Settings
from kguard.reporters.text import (
    Group,
    assumptions,
    counts_of,
    grouped,
    listed,
    place,
    summary,
    totals,
    way_out,
)

MAX_BYTES = 900_000
MAX_OTHERS = 20
MAX_NOT_READ = 100
"""Lines about what was not read or not evaluated."""


def render(report: Report, settings: Settings) -> str:
    """The report as GitHub-flavoured Markdown."""
    head = "\n".join(_head(report))
    tail = "\n".join(_tail(report, settings))
    room = MAX_BYTES - len(head.encode()) - len(tail.encode())
    parts, left_out = [], 0
    for group in grouped(report):
        part = "\n".join(_group(group, report, verbose=settings.verbose))
        room -= len(part.encode()) + 1
        if room < 0:
            left_out += len(group.findings)
        else:
            parts.append(part)
    if left_out:
        parts.append(f"{left_out} more findings do not fit here; the JSON report has them all.\n")
    return "\n".join([head, *parts, tail])


def code(text: str) -> str:
    """Text of the input in a fixed-width font."""
    return f"<code>{inert(text)}</code>"


def _head(report: Report) -> Iterator[str]:
    yield f"### kguard: {inert(totals(report))}"
    yield ""
    yield "| layer | findings | evaluated |"
    yield "|---|---|---|"
    for row in summary(report):
        yield f"| {row.layer} | {inert(row.findings)} | {inert(row.evaluated)} |"
    yield ""
    if report.drift:
        yield inert(drift.heading(report.drift))
        yield ""
        yield from (f"- {word}: {inert(text)}" for word, text in drift.lines(report))
        yield ""
    if report.clusters:
        yield "| cluster | findings |"
        yield "|---|---|"
        yield from (f"| {inert(row.name)} | {inert(counts_of(row))} |" for row in report.clusters)
        yield ""


def _group(group: Group, report: Report, *, verbose: bool) -> Iterator[str]:
    first = group.first
    state = f", {first.state}" if first.state != "open" else ""
    more = len(group.findings) - 1
    tail = f" (+ {more} more like this)" if more else ""
    yield "<details>"
    yield (
        f"<summary><b>{first.severity}{state}</b> {code(first.policy)}: "
        f"{inert(first.message)}{tail}</summary>"
    )
    yield ""
    for finding in group.findings if verbose else group.findings[:1]:
        yield from _evidence(finding)
    if more and not verbose:
        names = [finding.target for finding in group.findings[1:]]
        text = listed(names[:MAX_OTHERS], [first.target, *names])
        if len(names) > MAX_OTHERS:
            text += f" and {len(names) - MAX_OTHERS} more"
        yield f"- also: {inert(text)}"
    label, text = way_out(group, report)
    if label == "fix":
        yield f"- fix: {code(text)}"
    elif label:
        yield f"- no fix by manifests: {inert(text)}"
    yield ""
    yield "</details>"
    yield ""


def _evidence(finding: Finding) -> Iterator[str]:
    for quote in finding.evidence:
        parts = []
        if where := place(quote):
            parts.append(code(where))
        if quote.text.strip():
            parts.append(code(quote.text.strip()))
        if quote.note:
            parts.append(inert(quote.note))
        yield f"- {' '.join(parts)}"


def _tail(report: Report, settings: Settings) -> Iterator[str]:
    for entry in report.incomplete[:MAX_NOT_READ]:
        hint = f" ({inert(entry.hint)})" if entry.hint else ""
        yield f"- **not read** {code(entry.source)}: {inert(entry.reason)}{hint}"
    for skipped in report.not_evaluated[:MAX_NOT_READ]:
        yield f"- not evaluated {code(skipped.source)}: {inert(skipped.reason)}"
    more = sum(max(len(e) - MAX_NOT_READ, 0) for e in (report.incomplete, report.not_evaluated))
    if more:
        yield f"- ... and {more} more that were not read or not evaluated"
    if report.incomplete or report.not_evaluated:
        yield ""
    assumed = assumptions(report)
    if assumed:
        yield inert(assumed)
        yield ""
    inputs = " ".join(map(shlex.quote, report.inputs))
    yield f"Reproduce: {code(f'kguard scan {inputs}'.strip())} (exit {settings.exit_code})"
    yield ""
