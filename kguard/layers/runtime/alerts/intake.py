# SPDX-License-Identifier: Apache-2.0
"""What happens to an alert, whichever way it comes?

It is counted and, if asked, shown before `take` returns: what a sender was told to have arrived
is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

import msgspec

from kguard.inventory import Workload
from kguard.layers.runtime.alerts.alert import PRIORITIES, Alert
from kguard.layers.runtime.alerts.attribution import Attribution, Subject
from kguard.layers.runtime.alerts.lines import Entry, Text
from kguard.layers.runtime.alerts.tally import Summary, Tally, rfc3339


class Row(msgspec.Struct):
    """One alert as `-o jsonl` prints it."""

    time: str
    rule: str
    priority: str
    source: str
    hostname: str
    output: str
    tags: tuple[str, ...]
    subject: Subject


class Intake:
    """Takes alerts from several threads.

    Args:
        workloads: whose pods may be concerned.
        window: seconds of a window for counting; 0 for none.
        least: the least grave priority that counts.
        since: nanoseconds since 1970; earlier alerts do not count.
        show: called with one JSON line for each alert.
    """

    def __init__(
        self,
        workloads: Iterable[Workload],
        *,
        window: int = 0,
        least: str = PRIORITIES[-1],
        since: int = 0,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._attribution = Attribution(workloads)
        self._tally = Tally(window)
        self._wanted = frozenset(PRIORITIES[: PRIORITIES.index(least) + 1])
        self._since = since
        self._show = show
        self._lock = Lock()

    def take(self, entry: Entry) -> None:
        """Count an entry, and show it if it is a new alert."""
        with self._lock:
            if isinstance(entry, Alert):
                self._alert(entry)
            elif isinstance(entry, Text):
                self._tally.text += 1
            else:
                self._tally.unread(entry.reason)

    def _alert(self, alert: Alert) -> None:
        if alert.time < self._since or alert.priority not in self._wanted:
            return
        if not self._tally.is_new(alert):
            return
        subject = self._attribution.subject(alert)
        if self._show:
            self._show(msgspec.json.encode(_row(alert, subject)).decode())
        self._tally.add(alert, subject)

    def summary(self) -> Summary:
        """Everything that was taken so far."""
        with self._lock:
            return self._tally.summary()


def _row(alert: Alert, subject: Subject) -> Row:
    return Row(
        time=rfc3339(alert.time),
        rule=alert.rule,
        priority=alert.priority,
        source=alert.source,
        hostname=alert.hostname,
        output=alert.output,
        tags=alert.tags,
        subject=subject,
    )
