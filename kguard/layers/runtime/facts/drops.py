# SPDX-License-Identifier: Apache-2.0
"""Would anyone learn that Falco missed events, and has it?

Authority: falcosecurity/falco userspace/falco/event_drops.cpp and falco_outputs.cpp (0.44): a drop
is checked every second against a threshold and answered with the configured actions. The alert has
the priority Debug but never meets the minimum priority of rules: only its takers can refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.layers.runtime.facts.delivery import Ways, written
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.loaded import Page
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence

WITHOUT_EVENTS = ("nodriver", "replay")
"""Engines that read no system calls, so that the kernel drops none."""


def handling(falco: Falco, out: Ways) -> tuple[model.DropState, list[Evidence]]:
    """What happens when the kernel's buffer overflows."""
    settings = falco.settings
    if falco.config == "unknown":
        return "unknown", []
    if settings.engine_kind in WITHOUT_EVENTS:
        return "none", []
    state = _state(falco, out)
    actions = ", ".join(sorted(settings.drop_actions)) or "none"
    return state, [written(falco, "syscall_event_drops", f"actions on dropped events: {actions}")]


def _state(falco: Falco, out: Ways) -> model.DropState:
    actions = falco.settings.drop_actions
    open_ways = [route for route in out.routes if route.state != "false"]
    if "exit" in actions:
        return "exits"
    alerted = "alert" in actions
    if alerted and any(route.least_priority == PRIORITIES[-1] for route in open_ways):
        return "heard"
    if falco.settings.measured:
        return "measured"
    if alerted:
        return "hidden" if open_ways else "heard"
    return "logged" if "log" in actions else "ignored"


def observed_drops(falco: Falco, pages: Sequence[Page]) -> Iterator[model.Drop]:
    """What running Falcos say they lost; without counts, so that two scans say the same."""
    for page in pages:
        who = f"the pod {page.pod}" if page.pod else "the running Falco"
        if page.seen.kernel_drops:
            note = f"{who} has missed system calls since it started"
            yield model.Drop(falco.ref, page.pod, "events", [page.at(note)])
        if page.seen.queue_drops:
            note = f"{who} has dropped alerts since it started: its queue was full"
            yield model.Drop(falco.ref, page.pod, "alerts", [page.at(note)])
