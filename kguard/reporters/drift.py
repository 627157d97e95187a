# SPDX-License-Identifier: Apache-2.0
"""What do reports for people say about the time since the last audit?"""

from __future__ import annotations

from kguard.model.comparison import KINDS, Drift, EffectKind
from kguard.model.findings import Finding, Report

MAX_LINES = 20
"""Of one kind."""
MAX_TARGETS = 6
"""Objects with the same change that are named."""
WORDS: dict[EffectKind, str] = {
    "weaker": "weaker",
    "opened": "opens",
    "cut": "cuts",
    "stronger": "stronger",
}


def heading(drift: Drift) -> str:
    """`Since the last audit (2026-11-29T03:17:00Z): 2 new, 1 back, 3 gone.`, as a sentence."""
    counts = {"new": drift.new, "back": drift.reopened, "gone": drift.fixed}
    said = ", ".join(f"{len(found)} {word}" for word, found in counts.items() if found)
    return f"Since the last audit ({drift.before}): {said or 'no finding came or went'}."


def lines(report: Report) -> list[tuple[str, str]]:
    """What changed, as pairs of a word and a sentence; nothing without a history."""
    drift = report.drift
    if drift is None:
        return []
    found = [pair for kind in KINDS for pair in _effects(drift, kind)]
    if drift.effects is None:
        found.append(("unknown", "effects: the facts of that audit cannot be compared"))
    by_name = {finding.fingerprint: finding for finding in report.findings}
    for word, names in (("back", drift.reopened), ("new", drift.new)):
        found += _bounded(word, [_said(by_name[name]) for name in names])
    expired = [f"{_why(one.until)}: {_said(by_name[one.fingerprint])}" for one in drift.expired]
    found += _bounded("expired", expired)
    gone = [f"{one.severity} {one.policy}: {one.message}" for one in drift.fixed]
    return found + _bounded("gone", gone)


def _effects(drift: Drift, kind: EffectKind) -> list[tuple[str, str]]:
    alike: dict[str, list[str]] = {}
    for change in getattr(drift.effects, kind, ()):
        if not change.implied:
            alike.setdefault(change.text, []).append(change.target)
    texts = [f"{_targets(names)}: {text}" for text, names in alike.items()]
    return _bounded(WORDS[kind], texts)


def _targets(names: list[str]) -> str:
    more = len(names) - MAX_TARGETS
    said = ", ".join(names[:MAX_TARGETS])
    return f"{said} and {more} more" if more > 0 else said


def _bounded(word: str, texts: list[str]) -> list[tuple[str, str]]:
    more = len(texts) - MAX_LINES
    rest = [(word, f"and {more} more")] if more > 0 else []
    return [*((word, text) for text in texts[:MAX_LINES]), *rest]


def _why(until: str) -> str:
    return f"waiver until {until}" if until else "waiver withdrawn"


def _said(finding: Finding) -> str:
    return f"{finding.severity} {finding.policy}: {finding.message}"
