# SPDX-License-Identifier: Apache-2.0
"""How is the last audit of a subject taken back, because its run does it again?

Only the last one can be: later audits would rest on it. What findings say is not taken back, the
audit that takes its place says it anew.
"""

from __future__ import annotations

from kguard.history.database import Database


def undo(database: Database, subject: str, at: str) -> None:
    """Leave a subject as it was before its last audit, within a transaction of the subject."""
    mine = (subject, at)
    database.rows("DELETE FROM spell WHERE subject = ? AND since = ?", mine)
    database.rows("UPDATE spell SET until = NULL WHERE subject = ? AND until = ?", mine)
    database.rows("DELETE FROM effect WHERE subject = ? AND at = ?", mine)
    database.rows("DELETE FROM audit WHERE subject = ? AND at = ?", mine)
    database.rows(
        "DELETE FROM finding WHERE subject = ? AND NOT EXISTS (SELECT 1 FROM spell WHERE"
        " spell.subject = finding.subject AND spell.fingerprint = finding.fingerprint)",
        (subject,),
    )
