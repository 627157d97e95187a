# SPDX-License-Identifier: Apache-2.0
"""What did earlier audits find, since when, and what has changed in between?

An audit is one report about one subject (a cluster, or a name that the user gave). Findings are
kept as spells of time in which they were there, so that a thousand audits of a cluster that does
not change take hardly more room than one. An audit is written in one transaction: it is there as a
whole or not at all.
"""

from __future__ import annotations

from kguard.history.database import Database, check, connect, is_address, opened
from kguard.history.drifting import drift
from kguard.history.reading import (
    Audit,
    Change,
    Effect,
    Kept,
    audits,
    between,
    effects_between,
    effects_of,
    find,
    findings,
    overview,
)
from kguard.history.recording import Recorded, digest, record
from kguard.history.retention import prune
from kguard.history.spells import standing

__all__ = [
    "Audit",
    "Change",
    "Database",
    "Effect",
    "Kept",
    "Recorded",
    "audits",
    "between",
    "check",
    "connect",
    "digest",
    "drift",
    "effects_between",
    "effects_of",
    "find",
    "findings",
    "is_address",
    "opened",
    "overview",
    "prune",
    "record",
    "standing",
]
