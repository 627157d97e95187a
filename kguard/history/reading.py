# SPDX-License-Identifier: Apache-2.0
"""What does the history tell: the audits, the findings of one of them, what changed between two?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.errors import HistoryError
from kguard.history.database import Database
from kguard.history.drifting import effects, facts_of
from kguard.history.recording import Summary
from kguard.history.spells import lives
from kguard.model import rows
from kguard.model.clusters import ClusterRow
from kguard.model.comparison import KINDS, Comparison, EffectKind
from kguard.model.manifests import ObjectRef


class Audit(msgspec.Struct, frozen=True):
    """One audit, with how many findings it had by severity, open and known before."""

    subject: str
    at: str
    kguard: str
    policies: str
    """A digest of the policies that ran."""
    inputs: str
    """A digest of everything that was read."""
    facts: str
    """A digest of the facts."""
    complete: bool
    opened: int
    """Findings that were not there at the audit before."""
    closed: int
    reopened: int
    """Those of `opened` that had been there once and gone."""
    findings: dict[str, int] = {}
    undecided: int = 0
    """How many findings could not be decided; they are not among those of a severity."""


class Kept(msgspec.Struct, frozen=True):
    """A finding as it was at an audit."""

    fingerprint: str
    policy: str
    layer: str
    severity: str
    state: str
    target: ObjectRef
    message: str
    first_seen: str
    """When it was found for the first time."""
    since: str
    """Since when it has been there without a break."""
    reopened: int
    """How often it came back."""


class Effect(msgspec.Struct, frozen=True):
    """Something that was different at an audit from the one before."""

    at: str
    kind: EffectKind
    target: str
    text: str


class Change(msgspec.Struct, kw_only=True):
    """What is different between two audits."""

    schema: Literal["kguard/history-diff/v1"] = "kguard/history-diff/v1"
    subject: str
    before: str
    after: str
    effects: Comparison | None
    """None where the facts of either audit are not kept, or of another version's shape."""
    log: list[Effect]
    """What the audits between found changed, with the time at which each was first seen."""
    new: list[Kept]
    fixed: list[Kept]


_COLUMNS = tuple(n for n in Audit.__struct_fields__ if n not in ("findings", "undecided"))


def audits(database: Database, subject: str = "") -> list[Audit]:
    """All audits, of one subject or of all, by subject and time."""
    rows = database.rows(
        "SELECT subject, at, kguard, policies, inputs, facts, complete, opened, closed, reopened"
        " FROM audit WHERE ? IN ('', subject) ORDER BY subject, at",
        (subject,),
    )
    return [_audit(database, dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _audit(database: Database, row: dict[str, Any]) -> Audit:
    counts = _counts(database, row["subject"], row["at"])
    undecided = counts.pop("", 0)
    whole = {**row, "complete": bool(row["complete"])}
    return Audit(**whole, findings=counts, undecided=undecided)


def _counts(database: Database, subject: str, at: str) -> dict[str, int]:
    """The findings that count by severity; those that could not be decided have none."""
    rows = database.rows(
        "SELECT CASE state WHEN 'unknown' THEN '' ELSE severity END AS counted, COUNT(*)"
        " FROM spell WHERE subject = ? AND since <= ?"
        " AND (until IS NULL OR until > ?) AND state <> 'waived' GROUP BY counted",
        (subject, at, at),
    )
    return dict(sorted((name, int(count)) for name, count in rows))


def find(database: Database, subject: str, at: str = "") -> Audit:
    """The last audit of a subject, or the last one until a time.

    Args:
        database: the history.
        subject: what was audited; may be empty where the history has only one subject.
        at: RFC 3339 in UTC, or the beginning of it (`2026-11` is the end of that month).

    Raises:
        HistoryError: there is none, or the history has several subjects.
    """
    known = [audit for audit in audits(database, subject) if not at or _until(audit.at, at)]
    subjects = sorted({audit.subject for audit in known})
    if not known:
        raise HistoryError("the history has no such audit", where=database.name)
    if len(subjects) > 1:
        hint = f"--subject, one of {', '.join(subjects)}"
        raise HistoryError("the history has several subjects", where=database.name, hint=hint)
    return known[-1]


def _until(at: str, limit: str) -> bool:
    return at[: len(limit)] <= limit


def findings(database: Database, audit: Audit) -> list[Kept]:
    """What an audit found, with since when it has been there."""
    found = database.rows(
        "SELECT spell.fingerprint, policy, layer, severity, state, target, message"
        " FROM spell JOIN finding"
        " ON finding.subject = spell.subject AND finding.fingerprint = spell.fingerprint"
        " WHERE spell.subject = ? AND since <= ? AND (until IS NULL OR until > ?)"
        " ORDER BY layer, policy, target, spell.fingerprint",
        (audit.subject, audit.at, audit.at),
    )
    known = lives(database, audit.subject, audit.at)
    return [_kept(row, known[row[0]]) for row in found]


def _kept(row: tuple[Any, ...], spells: list[tuple[str, str]]) -> Kept:
    fingerprint, policy, layer, severity, state, target, message = row
    return Kept(
        fingerprint=fingerprint,
        policy=policy,
        layer=layer,
        severity=severity,
        state=state,
        target=msgspec.json.decode(target, type=ObjectRef),
        message=message,
        first_seen=spells[0][0],
        since=spells[-1][0],
        reopened=len(spells) - 1,
    )


def between(database: Database, before: Audit, after: Audit) -> Change:
    """What is different from one audit of a subject to a later one."""
    old, new = ({one.fingerprint: one for one in findings(database, a)} for a in (before, after))
    return Change(
        subject=after.subject,
        before=before.at,
        after=after.at,
        effects=_effects(database, before, after),
        log=effects_between(database, after.subject, before.at, after.at),
        new=[one for name, one in new.items() if name not in old],
        fixed=[one for name, one in old.items() if name not in new],
    )


def _effects(database: Database, before: Audit, after: Audit) -> Comparison | None:
    if before.facts == after.facts:
        return Comparison()
    new = facts_of(database, after.facts)
    return None if new is None else effects(database, before.facts, new)


def effects_between(database: Database, subject: str, after: str, until: str) -> list[Effect]:
    """What audits found changed, after a time and until another, in the order of times.

    A change that a later one takes back is there twice: once in each direction.
    """
    rows = database.rows(
        "SELECT at, kind, target, text FROM effect WHERE subject = ? AND at > ? AND at <= ?",
        (subject, after, until),
    )
    found = [Effect(*row) for row in rows]
    return sorted(found, key=lambda one: (one.at, KINDS.index(one.kind), one.target, one.text))


def effects_of(database: Database, audit: Audit) -> list[Effect]:
    """What an audit found changed since the one before."""
    found = effects_between(database, audit.subject, "", audit.at)
    return [one for one in found if one.at == audit.at]


def overview(database: Database) -> list[ClusterRow]:
    """The last audit of each subject in one line."""
    newest = {audit.subject: audit for audit in audits(database)}
    return [_line(database, audit) for audit in newest.values()]


def _line(database: Database, audit: Audit) -> ClusterRow:
    ((text,),) = database.rows(
        "SELECT summary FROM audit WHERE subject = ? AND at = ?", (audit.subject, audit.at)
    )
    summary = msgspec.json.decode(text, type=Summary)
    kept = findings(database, audit)
    return rows.row(
        audit.subject,
        audit.at,
        reason=summary.reason or ("" if audit.complete else "incomplete"),
        objects=summary.objects,
        coverage=summary.coverage,
        findings=kept,
        since={one.fingerprint: one.since for one in kept},
    )
