# SPDX-License-Identifier: Apache-2.0
"""What does a report look like in a job summary or a comment on a pull request?

Everything that comes from the input is escaped: it can neither format, nor link, nor mention
anyone, nor leave its cell. The size stays below what GitHub keeps of a job summary.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from kguard.model.findings import Finding, Report
from kguard.reporters.settings import Settings
from kguard.reporters.text import (
    Group,
    assumptions,
    clean,
    grouped,
    listed,
    place,
    summary,
    totals,
    way_out,
)

MAX_BYTES = 900_000
MAX_OTHERS = 20

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")


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


def escape(text: str) -> str:
    """Text of the input as inert inline Markdown."""
    found = html.escape(clean(text), quote=False)
    found = _SPECIAL.sub(r"\\\1", found)
    return found.replace("@", "@<!-- -->").replace("://", ":<!-- -->//")


def code(text: str) -> str:
    """Text of the input in a fixed-width font."""
    return f"<code>{escape(text)}</code>"


def _head(report: Report) -> Iterator[str]:
    yield f"### kguard: {escape(totals(report))}"
    yield ""
    yield "| layer | findings | evaluated |"
    yield "|---|---|---|"
    for row in summary(report):
        yield f"| {row.layer} | {escape(row.findings)} | {escape(row.evaluated)} |"
    yield ""


def _group(group: Group, report: Report, *, verbose: bool) -> Iterator[str]:
    first = group.first
    state = f", {first.state}" if first.state != "open" else ""
    more = len(group.findings) - 1
    tail = f" (+ {more} more like this)" if more else ""
    yield "<details>"
    yield (
        f"<summary><b>{first.severity}{state}</b> {code(first.policy)}: "
        f"{escape(first.message)}{tail}</summary>"
    )
    yield ""
    for finding in group.findings if verbose else group.findings[:1]:
        yield from _evidence(finding)
    if more and not verbose:
        names = [finding.target for finding in group.findings[1:]]
        text = listed(names[:MAX_OTHERS], [first.target, *names])
        if len(names) > MAX_OTHERS:
            text += f" and {len(names) - MAX_OTHERS} more"
        yield f"- also: {escape(text)}"
    label, text = way_out(group, report)
    if label == "fix":
        yield f"- fix: {code(text)}"
    elif label:
        yield f"- no fix by manifests: {escape(text)}"
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
            parts.append(escape(quote.note))
        yield f"- {' '.join(parts)}"


def _tail(report: Report, settings: Settings) -> Iterator[str]:
    for entry in report.incomplete:
        hint = f" ({escape(entry.hint)})" if entry.hint else ""
        yield f"- **not read** {code(entry.source)}: {escape(entry.reason)}{hint}"
    for skipped in report.not_evaluated:
        yield f"- not evaluated {code(skipped.source)}: {escape(skipped.reason)}"
    if report.incomplete or report.not_evaluated:
        yield ""
    assumed = assumptions(report)
    if assumed:
        yield escape(assumed)
        yield ""
    inputs = " ".join(report.inputs)
    yield f"Reproduce: {code(f'kguard scan {inputs}'.strip())} (exit {settings.exit_code})"
    yield ""
