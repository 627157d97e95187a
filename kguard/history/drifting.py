# SPDX-License-Identifier: Apache-2.0
"""What is different now from the last audit of the history?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from kguard import layers
from kguard.history.database import Database
from kguard.history.spells import Look, Now, last, lives, now, words
from kguard.model.comparison import Comparison, Drift, Expired, Gone
from kguard.model.findings import Finding, Report
from kguard.model.manifests import ObjectRef

MAX_FACTS_BYTES = 1 << 30
"""The facts of one audit, unpacked."""


def drift(database: Database, report: Report, subject: str) -> Drift | None:
    """What a report has that the last audit had not, and the other way round.

    Args:
        database: the history.
        report: one that is not recorded yet.
        subject: what was audited.

    Returns:
        None where there is no audit of the subject before the report.
    """
    before = last(database, subject)
    if before is None or before.at >= report.at:
        return None
    standing, known = now(database, subject), words(database, subject)
    found = {finding.fingerprint: finding for finding in report.findings}
    opened = [name for name in found if name not in standing]
    look = Look(report)
    gone = [name for name, one in standing.items() if name not in found and look.decides(one)]
    since = lives(database, subject, before.at)
    return Drift(
        before=before.at,
        effects=effects(database, before.facts, report.facts),
        new=tuple(name for name in opened if name not in known),
        reopened=tuple(name for name in opened if name in known),
        expired=tuple(_expired(found, standing, report.at[:10])),
        fixed=tuple(_gone(n, standing[n], known[n], since[n][-1][0]) for n in sorted(gone)),
    )


def _expired(
    found: Mapping[str, Finding], standing: Mapping[str, Now], today: str
) -> list[Expired]:
    names = [
        name
        for name, finding in found.items()
        if finding.state != "waived" and name in standing and standing[name].state == "waived"
    ]
    dates = [(name, standing[name].waived_until) for name in names]
    return [Expired(name, until if until < today else "") for name, until in dates]


def _gone(name: str, one: Now, said: tuple[str, ...], since: str) -> Gone:
    target, message = said
    place = msgspec.json.decode(target, type=ObjectRef)
    return Gone(name, one.policy, one.severity, place, message, since)


def effects(database: Database, before: str, after: Mapping[str, Any]) -> Comparison | None:
    """The differences of effect from the facts of an audit, by their digest, to later ones."""
    old = facts_of(database, before)
    if old is None:
        return None
    return layers.compare({name: old[name] for name in old if name in after}, after)


def facts_of(database: Database, digest: str) -> dict[str, Any] | None:
    """The facts structs of an audit, by layer; None where they are forgotten or of another kind."""
    rows = database.rows("SELECT body FROM facts WHERE digest = ?", (digest,))
    if not rows:
        return None
    text = zlib.decompressobj().decompress(rows[0][0], MAX_FACTS_BYTES)
    try:
        documents = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return {
            name: msgspec.json.decode(raw, type=layers.load(name).facts_type)
            for name, raw in documents.items()
        }
    except msgspec.DecodeError:
        return None
