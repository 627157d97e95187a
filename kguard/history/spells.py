# SPDX-License-Identifier: Apache-2.0
"""What does the history know of the findings of a subject, and since when?

A spell is the time during which a finding was there with one state and severity.
"""

from __future__ import annotations

import msgspec

from kguard.history.database import Database
from kguard.model.findings import Report
from kguard.model.manifests import ObjectRef


class Last(msgspec.Struct, frozen=True):
    """The last audit of a subject."""

    at: str
    run: str
    """The run that recorded it; empty where it had no name."""
    complete: bool
    facts: str
    """The digest of its facts."""


class Now(msgspec.Struct, frozen=True):
    """A finding that was there at the last audit."""

    policy: str
    layer: str
    target: str
    """Its object as JSON."""
    state: str
    severity: str
    waived_until: str


def last(database: Database, subject: str) -> Last | None:
    """The last audit of a subject, if there is one."""
    rows = database.rows(
        "SELECT at, run, complete, facts FROM audit WHERE subject = ? ORDER BY at DESC LIMIT 1",
        (subject,),
    )
    return next((Last(at, run, bool(complete), facts) for at, run, complete, facts in rows), None)


def now(database: Database, subject: str) -> dict[str, Now]:
    """What was there at the last audit, by fingerprint."""
    rows = database.rows(
        "SELECT spell.fingerprint, policy, layer, target, state, severity, waived_until"
        " FROM spell JOIN finding"
        " ON finding.subject = spell.subject AND finding.fingerprint = spell.fingerprint"
        " WHERE spell.subject = ? AND until IS NULL",
        (subject,),
    )
    return {name: Now(*rest) for name, *rest in rows}


class Look:
    """What an audit looked at."""

    def __init__(self, report: Report) -> None:
        self._policies = report.policies if report.complete else {}
        self._doubts = {(f.layer, f.target.id) for f in report.findings if f.state == "unknown"}

    def decides(self, one: Now) -> bool:
        """Whether it would have found something, had it been there.

        Where it could not decide something else of the same layer about the object, it may not have
        seen this: an image that nobody could ask about has not been signed meanwhile.
        """
        if one.policy not in self._policies:
            return False
        return not self._doubts or (one.layer, _id(one.target)) not in self._doubts


def _id(target: str) -> str:
    return msgspec.json.decode(target, type=ObjectRef).id


def words(database: Database, subject: str) -> dict[str, tuple[str, ...]]:
    """Target and message of everything that was ever found, by fingerprint."""
    rows = database.rows(
        "SELECT fingerprint, target, message FROM finding WHERE subject = ?", (subject,)
    )
    return {name: tuple(rest) for name, *rest in rows}


def lives(database: Database, subject: str, at: str) -> dict[str, list[tuple[str, str]]]:
    """The spells of every finding until a time, those that follow at once joined."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, since, until in database.rows(
        "SELECT fingerprint, since, until FROM spell WHERE subject = ? AND since <= ?"
        " ORDER BY fingerprint, since",
        (subject, at),
    ):
        spells = found.setdefault(name, [])
        begun = spells.pop()[0] if spells and spells[-1][1] == since else since
        spells.append((begun, until or ""))
    return found


def standing(database: Database, subject: str) -> dict[str, str]:
    """Since when the findings of the last audit have been there without a break.

    Returns:
        The times by fingerprint, without findings that a waiver accepted: once nobody accepts
        them, they are news.
    """
    before = last(database, subject)
    known = lives(database, subject, before.at) if before else {}
    counted = {name for name, one in now(database, subject).items() if one.state != "waived"}
    return {name: known[name][-1][0] for name in counted}
