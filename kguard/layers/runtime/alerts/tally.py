# SPDX-License-Identifier: Apache-2.0
"""How often was what seen, where and when?

Memory stays bounded whatever arrives: groups and remembered identities have limits, and what is
beyond them is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

import msgspec

from kguard.layers.runtime.alerts.alert import DROPS, EPOCH, PRIORITIES, Alert
from kguard.layers.runtime.alerts.attribution import Subject

MAX_GROUPS = 10_000
MAX_REMEMBERED = 200_000
"""Alerts that are remembered so that a second delivery does not count."""


class Group(msgspec.Struct):
    """Alerts of one rule about one workload in one window."""

    rule: str
    priority: str
    source: str
    workload: str
    knative_service: str
    window: str
    """The start of the window (RFC 3339); empty where no windows were asked for."""
    count: int
    first: str
    last: str
    example: str
    """The output of the first of them."""
    hosts: list[str]


class Summary(msgspec.Struct):
    """What `kguard runtime events` counts; `schema` names its shape."""

    schema: str
    events: int
    duplicates: int
    text: int
    """Lines that are no JSON: log lines, or alerts of a Falco without `json_output`."""
    unreadable: int
    reasons: list[str]
    """Why, the first few kinds of them."""
    drops: int
    """Alerts of Falco about system calls that it missed."""
    ungrouped: int
    """Alerts beyond the number of groups that are kept."""
    groups: list[Group]


class Tally:
    """Counts alerts.

    Args:
        window: seconds; 0 for one window over everything.
    """

    def __init__(self, window: int = 0) -> None:
        self._window = window
        self._groups: dict[tuple[str, ...], Group] = {}
        self._times: dict[tuple[str, ...], tuple[int, int]] = {}
        self._seen: OrderedDict[tuple[int, str, str, int], None] = OrderedDict()
        self.events = self.duplicates = self.text = self.drops = self.ungrouped = 0
        self._unreadable = 0
        self._reasons: set[str] = set()

    def is_new(self, alert: Alert) -> bool:
        """Whether this alert was not delivered before; a second delivery is counted."""
        if alert.identity in self._seen:
            self.duplicates += 1
            return False
        self._seen[alert.identity] = None
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def unread(self, reason: str) -> None:
        """Count a line that is no alert."""
        self._unreadable += 1
        if len(self._reasons) < _REASONS:
            self._reasons.add(reason)

    def add(self, alert: Alert, subject: Subject) -> None:
        """Count an alert."""
        self.events += 1
        self.drops += alert.rule == DROPS and alert.source == "internal"
        start = _window_start(alert.time, self._window)
        key = (start, alert.rule, alert.priority, alert.source, subject.workload)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                self.ungrouped += 1
                return
            group = self._groups[key] = _group(alert, subject, start)
        first, last = self._times.get(key, (alert.time, alert.time))
        self._times[key] = min(first, alert.time), max(last, alert.time)
        group.count += 1
        if alert.hostname and alert.hostname not in group.hosts and len(group.hosts) < _HOSTS:
            group.hosts.append(alert.hostname)

    def summary(self) -> Summary:
        """Everything so far, by window, gravity, rule and workload."""
        for key, (first, last) in self._times.items():
            group = self._groups[key]
            group.first, group.last = rfc3339(first), rfc3339(last)
            group.hosts.sort()
        groups = sorted(self._groups.values(), key=_order)
        return Summary(
            schema="kguard/runtime-events/v1",
            events=self.events,
            duplicates=self.duplicates,
            text=self.text,
            unreadable=self._unreadable,
            reasons=sorted(self._reasons),
            drops=self.drops,
            ungrouped=self.ungrouped,
            groups=groups,
        )


_HOSTS = 20
"""Hosts that are named in a group."""

_REASONS = 5
"""Kinds of unreadable lines that are named."""


def _group(alert: Alert, subject: Subject, window: str) -> Group:
    return Group(
        rule=alert.rule,
        priority=alert.priority,
        source=alert.source,
        workload=subject.workload,
        knative_service=subject.knative_service,
        window=window,
        count=0,
        first="",
        last="",
        example=alert.output,
        hosts=[],
    )


def _order(group: Group) -> tuple[str, int, str, str, str]:
    gravity = PRIORITIES.index(group.priority)
    return group.window, gravity, group.rule, group.workload, group.source


def _window_start(time: int, window: int) -> str:
    if not window:
        return ""
    width = window * 1_000_000_000
    return rfc3339(time // width * width)


def rfc3339(time: int) -> str:
    """Nanoseconds since 1970 as RFC 3339 with nine decimals; times beyond year 9999 as a number."""
    seconds, rest = divmod(time, 1_000_000_000)
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return str(time)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
