# SPDX-License-Identifier: Apache-2.0
"""What did Falco see, as far as the input holds its alerts?"""

from __future__ import annotations

from collections.abc import Iterable

from kguard.inventory import Inventory
from kguard.layers.runtime.alerts.alert import Alert
from kguard.layers.runtime.alerts.attribution import Attribution
from kguard.layers.runtime.alerts.reports import reported
from kguard.layers.runtime.alerts.tally import rfc3339
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest, ObjectRef

_Seen = dict[tuple[ObjectRef, str, str], list[tuple[int, Evidence]]]
SHOWN = 3
"""Alerts of a group that are quoted."""


def alerts(inventory: Inventory) -> list[model.Alerts]:
    """The alerts in PolicyReports, by workload and rule."""
    attribution = Attribution(inventory.workloads)
    seen: _Seen = {}
    for entry, place in reported(inventory):
        if isinstance(entry, Alert):
            ref = _about(inventory, attribution, entry, place)
            key = ref, entry.rule, entry.priority
            seen.setdefault(key, []).append((entry.time, place))
    return [_group(*key, found) for key, found in sorted(seen.items())]


def _about(
    inventory: Inventory, attribution: Attribution, alert: Alert, place: Evidence
) -> ObjectRef:
    workload = attribution.workload(alert)
    if workload is not None:
        return workload.ref
    report = inventory.by_id(place.ref)
    return report.ref if isinstance(report, Manifest) else ObjectRef()


def _group(
    ref: ObjectRef, rule: str, priority: str, found: Iterable[tuple[int, Evidence]]
) -> model.Alerts:
    ordered = sorted(found, key=lambda item: (item[0], item[1].ref, item[1].pointer))
    times = [time for time, _ in ordered]
    return model.Alerts(
        ref=ref,
        rule=rule,
        priority=priority,
        count=len(ordered),
        first=rfc3339(times[0]) if times[0] else "",
        last=rfc3339(times[-1]) if times[-1] else "",
        because=[place for _, place in ordered[-SHOWN:]],
    )
