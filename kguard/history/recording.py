# SPDX-License-Identifier: Apache-2.0
"""How does a report become part of the history?

A finding ends only where an audit that was complete, ran its policy and could decide about its
object did not find it: what could not be read is not mended. An audit that is recorded twice is
recorded once; an audit that a run does again takes the place of the one that it did before.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping

import msgspec

from kguard import __version__
from kguard.errors import HistoryError
from kguard.history.database import Database
from kguard.history.drifting import effects
from kguard.history.spells import Last, Look, Now, last, now, words
from kguard.history.undoing import undo
from kguard.model.comparison import KINDS, Comparison, Drift
from kguard.model.findings import Finding, LayerCoverage, Report, reason_of

MAX_EFFECTS = 1000
"""Changes of one kind that are kept of an audit."""
FACTS_KEPT = 30
"""Audits of a subject whose facts are kept; of older ones, what changed is."""


class Recorded(msgspec.Struct, frozen=True):
    """What an audit changed."""

    before: str
    """The time of the audit before; empty for the first one."""
    opened: tuple[str, ...] = ()
    """Fingerprints that were not there at the audit before."""
    closed: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    """Those of `opened` that had been there once and gone."""
    effects: Comparison | None = None
    """What changed besides; None for the first audit and where facts cannot be compared."""


class Summary(msgspec.Struct, frozen=True):
    """What of a report the history shows in a table."""

    objects: int = 0
    reason: str = ""
    coverage: dict[str, LayerCoverage] = {}


def record(
    database: Database,
    report: Report,
    *,
    subject: str,
    inputs: str,
    run: str = "",
    drift: Drift | None = None,
) -> Recorded:
    """Add an audit.

    Args:
        database: the history.
        report: what the audit found.
        subject: what was audited, such as the name of a cluster.
        inputs: a digest of everything that was read.
        run: the name of what audits, which does each subject once: if it did this one, that audit
            is replaced, unless it was complete and this one is not.
        drift: what `drift.drift` found, to save its work.

    Raises:
        HistoryError: a later audit of the subject is there, or another one of the same second.
    """
    body = msgspec.json.encode(report.facts, order="deterministic")
    facts = hashlib.sha256(body).hexdigest()
    with database.transaction(subject):
        before = last(database, subject)
        if before and (before.at, before.facts) == (report.at, facts):
            return Recorded(before.at)
        if before and run and before.run == run:
            if before.complete and not report.complete:
                return Recorded(before.at)
            undo(database, subject, before.at)
            before, drift = last(database, subject), None
        if before and before.at >= report.at:
            raise _too_late(database, subject, before.at, report.at)
        change = _change(database, report, subject, before, drift)
        _spells(database, report, subject, change)
        store = "INSERT INTO facts (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING"
        database.rows(store, (facts, zlib.compress(body)))
        _audit(database, report, subject, change, (inputs, facts, run))
        _log(database, report, subject, change.effects)
        _forget_facts(database, subject)
    return change


def _too_late(database: Database, subject: str, before: str, at: str) -> HistoryError:
    return HistoryError(
        f"there is an audit of {subject} at {before}, this one is of {at}",
        where=database.name,
        hint="audits are recorded in the order of their times",
    )


def _change(
    database: Database, report: Report, subject: str, before: Last | None, drift: Drift | None
) -> Recorded:
    standing, known = now(database, subject), words(database, subject)
    found = {finding.fingerprint for finding in report.findings}
    opened = sorted(found - standing.keys())
    look = Look(report)
    ended = (n for n, one in standing.items() if n not in found and look.decides(one))
    if before and drift and drift.before == before.at:
        changed = drift.effects
    else:
        changed = effects(database, before.facts, report.facts) if before else None
    return Recorded(
        before=before.at if before else "",
        opened=tuple(opened),
        closed=tuple(sorted(ended)),
        reopened=tuple(name for name in opened if name in known),
        effects=changed,
    )


def _spells(database: Database, report: Report, subject: str, change: Recorded) -> None:
    """End and begin the spells of what changed; a new state or severity is a new spell."""
    standing = now(database, subject)
    altered = [f for f in report.findings if _altered(f, standing)]
    fresh = {*change.opened, *(f.fingerprint for f in altered)}
    ended = [*change.closed, *(f.fingerprint for f in altered)]
    database.many(
        "UPDATE spell SET until = ? WHERE subject = ? AND fingerprint = ? AND until IS NULL",
        ((report.at, subject, name) for name in ended),
    )
    # What a finding says may change while it lasts: the newest words stay.
    said = words(database, subject)
    changed = (row for f in report.findings if said.get((row := _row(f, subject))[1]) != row[4:])
    database.many(
        "INSERT INTO finding (subject, fingerprint, policy, layer, target, message)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (subject, fingerprint)"
        " DO UPDATE SET message = excluded.message, target = excluded.target",
        changed,
    )
    begun = [finding for finding in report.findings if finding.fingerprint in fresh]
    database.many(
        "INSERT INTO spell (subject, fingerprint, since, state, severity, waived_until)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ((subject, f.fingerprint, report.at, f.state, f.severity, _until(f)) for f in begun),
    )


def _until(finding: Finding) -> str:
    return finding.waiver.get("until", "") if finding.state == "waived" else ""


def _altered(finding: Finding, standing: Mapping[str, Now]) -> bool:
    one = standing.get(finding.fingerprint)
    state = (finding.state, finding.severity, _until(finding))
    return one is not None and (one.state, one.severity, one.waived_until) != state


def _row(finding: Finding, subject: str) -> tuple[str, ...]:
    target = msgspec.json.encode(finding.target).decode()
    return (subject, finding.fingerprint, finding.policy, finding.layer, target, finding.message)


def _audit(
    database: Database, report: Report, subject: str, change: Recorded, made_of: tuple[str, ...]
) -> None:
    summary = Summary(report.objects, reason_of(report), report.coverage)
    counts = map(len, (change.opened, change.closed, change.reopened))
    versions = (__version__, _policies(report))
    told = msgspec.json.encode(summary).decode()
    database.rows(
        "INSERT INTO audit (subject, at, kguard, policies, inputs, facts, run, complete, summary,"
        " opened, closed, reopened) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (subject, report.at, *versions, *made_of, int(report.complete), told, *counts),
    )


def _log(database: Database, report: Report, subject: str, changed: Comparison | None) -> None:
    database.many(
        "INSERT INTO effect (subject, at, kind, target, text) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            (subject, report.at, kind, one.target, one.text)
            for kind in KINDS
            for one in getattr(changed, kind, ())[:MAX_EFFECTS]
        ),
    )


def _forget_facts(database: Database, subject: str) -> None:
    """Drop the facts of old audits that no other audit has."""
    older = database.rows(
        "SELECT facts FROM audit WHERE subject = ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (subject, FACTS_KEPT),
    )
    database.many(
        "DELETE FROM facts WHERE digest = ? AND digest NOT IN (SELECT facts FROM audit WHERE"
        " subject <> ? UNION ALL SELECT facts FROM (SELECT facts FROM audit WHERE subject = ?"
        " ORDER BY at DESC LIMIT ?) AS recent)",
        ((digest, subject, subject, FACTS_KEPT) for (digest,) in older),
    )


def _policies(report: Report) -> str:
    return digest(f"{name}\0{report.policies[name].text}" for name in sorted(report.policies))


def digest(parts: Iterable[str | bytes]) -> str:
    """One digest of several texts, in their order."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()
