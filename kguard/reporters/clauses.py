# SPDX-License-Identifier: Apache-2.0
"""What does a report say of each clause of a framework?

A clause has passed only where everything that can be said about it was looked at: all of its
policies ran, every subject of their layers was judged, nothing was left unread. Whatever is
missing gives it another state, with the reason. What was accepted by a waiver is no pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.engine import controls
from kguard.model.controls import Clause, Framework
from kguard.model.findings import SEVERITIES, Finding, Report

ClauseState = Literal[
    "failed", "unknown", "not_evaluated", "no_evidence", "accepted", "passed", "manual"
]
STATES: tuple[ClauseState, ...] = (
    "failed",
    "unknown",
    "not_evaluated",
    "no_evidence",
    "accepted",
    "passed",
    "manual",
)
"""In the order of reports; of several reasons the first of these is told."""
WORDS: dict[ClauseState, str] = {
    "failed": "failed",
    "unknown": "unknown",
    "not_evaluated": "not evaluated",
    "no_evidence": "no evidence",
    "accepted": "accepted deviations",
    "passed": "passed",
    "manual": "manual",
}
MAX_SHOWN = 10
"""Findings that speak for a clause; the others are counted."""


class Judgement(msgspec.Struct, frozen=True):
    """What a report says of one clause."""

    clause: Clause
    state: ClauseState
    because: str
    counts: dict[str, int]
    """Findings by their state."""
    shown: tuple[Finding, ...]
    """At most `MAX_SHOWN` findings: those that decide first, then by severity."""

    @property
    def left_out(self) -> int:
        """Findings that are counted, but not shown."""
        return sum(self.counts.values()) - len(self.shown)

    @property
    def words(self) -> str:
        """The state as a person reads it: what a partial clause has passed is one part."""
        if self.state == "passed" and self.clause.reach == "partial":
            return "passed in part"
        return WORDS[self.state]


def judged(
    report: Report, wanted: Sequence[str] = ()
) -> list[tuple[Framework, tuple[Judgement, ...]]]:
    """Each framework with what the report says of its clauses.

    Args:
        report: a whole report; its findings may be many.
        wanted: keys of frameworks; empty for all.
    """
    by_policy: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    known = controls.frameworks(p for p in report.policies.values() if not p.bundled)
    return [
        (framework, tuple(_judgement(clause, by_policy, report) for clause in framework.clauses))
        for framework in known
        if framework.key in (wanted or (framework.key,))
    ]


def _judgement(clause: Clause, by_policy: dict[str, list[Finding]], report: Report) -> Judgement:
    mine = [finding for policy in clause.policies for finding in by_policy.get(policy, ())]
    counts: dict[str, int] = dict(Counter(finding.state for finding in mine))
    reasons = dict(reversed([*_reasons(clause, counts, report)]))
    state = next(state for state in STATES if state in reasons)
    return Judgement(clause, state, reasons[state], counts, _worst(mine))


def _worst(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that a reader must see first, without sorting a million of them."""
    found: list[Finding] = []
    for states in (("open", "baseline"), ("unknown",), ("waived",)):
        for severity in reversed(SEVERITIES):
            for finding in findings:
                if len(found) == MAX_SHOWN:
                    return tuple(found)
                if finding.severity == severity and finding.state in states:
                    found.append(finding)
    return tuple(found)


def _reasons(
    clause: Clause, counts: dict[str, int], report: Report
) -> Iterator[tuple[ClauseState, str]]:
    """Every state that something speaks for, with what speaks for it."""
    if clause.reach == "manual":
        yield "manual", f"No policy looks at it. To be shown by other means: {clause.left}."
        return
    failed = counts.get("open", 0) + counts.get("baseline", 0)
    if failed:
        yield "failed", _number(failed, "finding")
    if counts.get("unknown"):
        yield "unknown", f"{_number(counts['unknown'], 'finding')} could not be decided"
    if not report.complete:
        yield "unknown", f"{_number(len(report.incomplete), 'input')} could not be evaluated"
    absent = [name for name in clause.policies if name not in report.policies]
    if absent:
        ran = f"{len(absent)} of its {len(clause.policies)} policies did not run"
        yield "not_evaluated", f"{ran}: {', '.join(absent[:3])}{' ...' if absent[3:] else ''}"
    yield from _coverage(clause, report)
    if counts.get("waived"):
        yield "accepted", f"{_number(counts['waived'], 'finding')} accepted by waivers"
    yield "passed", f"{_number(len(clause.policies), 'policy')} without a finding"


def _coverage(clause: Clause, report: Report) -> Iterator[tuple[ClauseState, str]]:
    layers = [*dict.fromkeys(policy.partition("/")[0] for policy in clause.policies)]
    for layer in layers:
        coverage = report.coverage.get(layer)
        if coverage is None:
            yield "not_evaluated", f"{layer}: not looked at"
        elif layer == "cross" and coverage.state == "no_evidence" and layers[1:]:
            continue  # nothing to join: the layers speak for themselves
        elif coverage.state == "no_evidence":
            yield "no_evidence", f"{layer}: nothing in the input"
        elif coverage.state != "evaluated":
            yield coverage.state, f"{layer}: {coverage.note or 'nothing was decided'}"
        elif coverage.evaluated < coverage.total:
            share = f"{coverage.evaluated} of {coverage.total} {coverage.subject}"
            note = f"; {coverage.note}" if coverage.note else ""
            asked = layer != "images" or _evidence_was_asked_for(report)
            yield "unknown" if asked else "not_evaluated", f"{layer}: {share} were judged{note}"


def _evidence_was_asked_for(report: Report) -> bool:
    """Whether signatures were looked for at all: without that they are no doubt, but no subject."""
    evidence = getattr(report.facts.get("images"), "evidence", None)
    return getattr(evidence, "state", "") != "none"


def _number(number: int, word: str) -> str:
    plural = f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
