# SPDX-License-Identifier: Apache-2.0
"""What does a scan tell the history, and what does it learn from it?"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from kguard.cli import values
from kguard.cli.output import note
from kguard.errors import HistoryError, UsageError
from kguard.model.comparison import Drift
from kguard.model.findings import Report
from kguard.scan import Judged


def check_history(arguments: dict[str, Any]) -> None:
    """Refuse a history that cannot be one.

    Raises:
        UsageError: its address makes no sense, or `--offline` excludes it.
    """
    from kguard import history

    name = arguments["history"]
    if name and arguments.get("offline") and history.is_address(name):
        raise UsageError("--offline excludes a history in PostgreSQL", hint="name a file")
    if name:
        history.check(name)


def subject_of(arguments: dict[str, Any]) -> str:
    """What the history calls the input; empty without a history.

    Raises:
        UsageError: the input has no name of its own and the user gave none.
    """
    from kguard.fleet.members import called

    check_history(arguments)
    if not arguments["history"]:
        return ""
    names = [*values.contexts(arguments), *arguments["inputs"]]
    names += map(called, arguments["snapshots"])
    if arguments["subject"]:
        return str(arguments["subject"])
    if len(names) == 1 and names != ["-"]:
        return str(names[0])
    raise UsageError("the history needs a name for this input", hint="--subject NAME")


class Earlier(NamedTuple):
    """What the history knew before a scan."""

    known: dict[str, str]
    """Since when the findings of the last audit have been there, by fingerprint; without those
    that a waiver accepted. What it could not decide and this scan can has another fingerprint."""
    drift: Drift | None


def earlier(report: Report, arguments: dict[str, Any], subject: str) -> Earlier:
    """What the history knew, and what is different now.

    Nothing without a history, or where it cannot be read: then everything is new, and `remember`
    says why.
    """
    from kguard import history

    if not subject:
        return Earlier({}, None)
    try:
        with history.connect(arguments["history"], create=True) as store, store.reading():
            since = history.standing(store, subject)
            drift = history.drift(store, report, subject)
    except HistoryError:
        return Earlier({}, None)
    return Earlier(since, drift)


def remember(judged: Judged, arguments: dict[str, Any], subject: str, drift: Drift | None) -> None:
    """Add a scan to the history that the user named, and say what it changed.

    Raises:
        HistoryError: the history cannot be written.
    """
    from kguard import history

    objects = (msgspec.json.encode(m.object, order="deterministic") for m in judged.inventory)
    read = history.digest(objects)
    run = arguments["run"] or ""
    with history.connect(arguments["history"], create=True) as database:
        found = history.record(
            database, judged.report, subject=subject, inputs=read, run=run, drift=drift
        )
    counts = f"{len(found.opened)} new, {len(found.closed)} gone"
    again = f", {len(found.reopened)} of the new were there once" if found.reopened else ""
    since = f" since {found.before}" if found.before else ""
    note(f"history of {subject}: {counts}{again}{since}", quiet=arguments["quiet"])
