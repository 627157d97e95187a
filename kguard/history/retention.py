# SPDX-License-Identifier: Apache-2.0
"""What of the history is no longer needed?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kguard.history.database import Database


def prune(database: Database, *, days: int, at: datetime) -> int:
    """Forget audits that are older than some days, and what ended before them.

    The last audit of each subject stays whatever its age, and a finding that is still there keeps
    the time when it was first seen.

    Returns:
        How many audits are gone.
    """
    limit = (at.astimezone(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = (
        "FROM audit WHERE at < ? AND at < (SELECT MAX(at) FROM audit AS other"
        " WHERE other.subject = audit.subject)"
    )
    with database.transaction():
        ((count,),) = database.rows(f"SELECT COUNT(*) {old}", (limit,))
        database.rows(f"DELETE {old}", (limit,))
        database.rows("DELETE FROM effect WHERE at < ?", (limit,))
        database.rows("DELETE FROM spell WHERE until < ?", (limit,))
        database.rows(
            "DELETE FROM finding WHERE NOT EXISTS (SELECT 1 FROM spell WHERE"
            " spell.subject = finding.subject AND spell.fingerprint = finding.fingerprint)"
        )
        database.rows("DELETE FROM facts WHERE digest NOT IN (SELECT facts FROM audit)")
    return int(count)
