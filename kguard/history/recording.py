# SPDX-License-Identifier: Apache-2.0
"""How does a report become part of the history?

A finding ends only where an audit that was complete and ran its policy did not find it: what could
not be read is not mended. An audit that is recorded twice is recorded once.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping

import msgspec

from kguard import __version__
from kguard.errors import HistoryError
from kguard.history.database import Database
from kguard.model.findings import Finding, Report


class Recorded(msgspec.Struct, frozen=True):
    """What an audit changed."""

    before: str
    """The time of the audit before; empty for the first one."""
    opened: tuple[str, ...] = ()
    """Fingerprints that were not there at the audit before."""
    closed: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    """Those of `opened` that had been there once and gone."""


class _Now(msgspec.Struct, frozen=True):
    """A finding that was there at the audit before."""

    policy: str
    state: str
    severity: str


def record(database: Database, report: Report, *, subject: str, inputs: str) -> Recorded:
    """Add an audit.

    Args:
        database: the history.
        report: what the audit found.
        subject: what was audited, such as the name of a cluster.
        inputs: a digest of everything that was read.

    Raises:
        HistoryError: a later audit of the subject is there, or another one of the same second.
    """
    body = msgspec.json.encode(report.facts, order="deterministic")
    facts = hashlib.sha256(body).hexdigest()
    with database.transaction(subject):
        before = _last(database, subject)
        if before == report.at and _same(database, report, subject, facts):
            return Recorded(before)
        if before >= report.at:
            raise HistoryError(
                f"there is an audit of {subject} at {before}, this one is of {report.at}",
                where=database.name,
                hint="audits are recorded in the order of their times",
            )
        change = _change(database, report, subject, before)
        _spells(database, report, subject, change)
        store = "INSERT INTO facts (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING"
        database.rows(store, (facts, zlib.compress(body)))
        counts = map(len, (change.opened, change.closed, change.reopened))
        made_of = (__version__, _policies(report), inputs, facts, int(report.complete))
        database.rows(
            "INSERT INTO audit (subject, at, kguard, policies, inputs, facts, complete, opened,"
            " closed, reopened) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (subject, report.at, *made_of, *counts),
        )
    return change


def _last(database: Database, subject: str) -> str:
    ((found,),) = database.rows("SELECT MAX(at) FROM audit WHERE subject = ?", (subject,))
    return found or ""


def _same(database: Database, report: Report, subject: str, facts: str) -> bool:
    found = database.rows(
        "SELECT facts FROM audit WHERE subject = ? AND at = ?", (subject, report.at)
    )
    return found == [(facts,)]


def _change(database: Database, report: Report, subject: str, before: str) -> Recorded:
    now = _now(database, subject)
    found = {finding.fingerprint for finding in report.findings}
    opened = sorted(found - now.keys())
    ended = (name for name, one in now.items() if name not in found)
    known = _words(database, subject)
    return Recorded(
        before=before,
        opened=tuple(opened),
        closed=tuple(sorted(name for name in ended if _decided(now[name], report))),
        reopened=tuple(name for name in opened if name in known),
    )


def _decided(one: _Now, report: Report) -> bool:
    """Whether the audit would have found it, had it been there."""
    return report.complete and one.policy in report.policies


def _now(database: Database, subject: str) -> dict[str, _Now]:
    rows = database.rows(
        "SELECT spell.fingerprint, policy, state, severity FROM spell JOIN finding"
        " ON finding.subject = spell.subject AND finding.fingerprint = spell.fingerprint"
        " WHERE spell.subject = ? AND until IS NULL",
        (subject,),
    )
    return {name: _Now(*rest) for name, *rest in rows}


def _words(database: Database, subject: str) -> dict[str, tuple[str, ...]]:
    """Target and message of everything that was ever found, by fingerprint."""
    rows = database.rows(
        "SELECT fingerprint, target, message FROM finding WHERE subject = ?", (subject,)
    )
    return {name: tuple(rest) for name, *rest in rows}


def _spells(database: Database, report: Report, subject: str, change: Recorded) -> None:
    """End and begin the spells of what changed; a new state or severity is a new spell."""
    now = _now(database, subject)
    altered = [f for f in report.findings if _altered(f, now)]
    fresh = {*change.opened, *(f.fingerprint for f in altered)}
    ended = [*change.closed, *(f.fingerprint for f in altered)]
    database.many(
        "UPDATE spell SET until = ? WHERE subject = ? AND fingerprint = ? AND until IS NULL",
        ((report.at, subject, name) for name in ended),
    )
    begun = [finding for finding in report.findings if finding.fingerprint in fresh]
    # What a finding says may change while it lasts: the newest words stay.
    words = _words(database, subject)
    changed = (row for f in report.findings if words.get((row := _row(f, subject))[1]) != row[4:])
    database.many(
        "INSERT INTO finding (subject, fingerprint, policy, layer, target, message)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (subject, fingerprint)"
        " DO UPDATE SET message = excluded.message, target = excluded.target",
        changed,
    )
    database.many(
        "INSERT INTO spell (subject, fingerprint, since, state, severity) VALUES (?, ?, ?, ?, ?)",
        ((subject, f.fingerprint, report.at, f.state, f.severity) for f in begun),
    )


def _altered(finding: Finding, now: Mapping[str, _Now]) -> bool:
    one = now.get(finding.fingerprint)
    return one is not None and (one.state, one.severity) != (finding.state, finding.severity)


def _row(finding: Finding, subject: str) -> tuple[str, ...]:
    target = msgspec.json.encode(finding.target).decode()
    return (subject, finding.fingerprint, finding.policy, finding.layer, target, finding.message)


def _policies(report: Report) -> str:
    return digest(f"{name}\0{report.policies[name].text}" for name in sorted(report.policies))


def digest(parts: Iterable[str | bytes]) -> str:
    """One digest of several texts, in their order."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()
