# SPDX-License-Identifier: Apache-2.0
"""What do the counters of an API server prove about its auditing?

Authority: kubernetes/apiserver pkg/audit/metrics.go and pkg/endpoints/filters/audit.go (WithAudit
does nothing without a policy and a backend, else it counts the level of every request before it
is answered, also that of the request for the counters). `apiserver_audit_event_total` is there from
the start, whether anything is audited or not; a level only once a request had it. Recorded from a
1.36.3 server. All counters start again with the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

State = Literal["recording", "silent", "off", "unknown"]

ENOUGH = 100
"""Requests after which a server that recorded none of them counts as one that records nothing."""

_SAMPLE = re.compile(r"apiserver_audit_(\w+)(?:\{(\w+)=\"([^\"\\]*)\"\})?[ \t]+([0-9.eE+-]+)")


class Counters(msgspec.Struct, frozen=True):
    """What a server counted since it started."""

    state: State
    """`recording`: events were written; `silent`: enough requests and no event; `off`: no request
    was judged at all; `unknown`: too few requests, or no such counters."""
    levels: dict[str, int]
    """Requests by the level that the policy gave them."""
    events: int
    errors: dict[str, int]
    """Events that a plugin (`log`, `webhook`, `buffered` ...) failed to write."""
    rejected: int
    """Requests that were refused because their event could not be written."""

    @property
    def requests(self) -> int:
        """How many requests were judged."""
        return sum(self.levels.values())


def counters(page: str) -> Counters:
    """The counters of a metrics page; lines that are something else are skipped."""
    found = {(name, label): count for name, label, count in _samples(page)}
    levels = {label: count for (name, label), count in found.items() if name == "level_total"}
    return Counters(
        state=_state(levels, found.get(("event_total", ""))),
        levels=dict(sorted(levels.items())),
        events=found.get(("event_total", ""), 0),
        errors={
            label: count
            for (name, label), count in sorted(found.items())
            if name == "error_total" and count
        },
        rejected=found.get(("requests_rejected_total", ""), 0),
    )


def _state(levels: dict[str, int], events: int | None) -> State:
    if events is None:
        return "unknown"
    if not levels:
        return "off"
    if events:
        return "recording"
    silent = sum(levels.values()) >= ENOUGH and set(levels) == {"None"}
    return "silent" if silent else "unknown"


def _samples(page: str) -> Iterator[tuple[str, str, int]]:
    for line in page.splitlines():
        match = _SAMPLE.match(line)
        if match is not None:
            try:
                yield match[1], match[3] or "", int(float(match[4]))
            except (ValueError, OverflowError):
                continue
