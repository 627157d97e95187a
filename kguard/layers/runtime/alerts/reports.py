# SPDX-License-Identifier: Apache-2.0
"""Which alerts lie in the PolicyReports that Falcosidekick writes?

Authority: falcosecurity/falcosidekick outputs/policyreport.go. A result has the source `Falco`, the
rule as its policy, the output as its message and the output fields as properties. Its severity
keeps only whether the priority lies above or below a threshold, and its timestamp only the second
inside the minute: the time is that of the property `evt.time`, and the priority is one that such a
severity stands for. A result without that property (a rule whose output leaves `%evt.time` out) is
as old as its report, which Falcosidekick makes with the first alert; where that is not told either,
as in a report that was written to a file, its time is not known (0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.runtime.alerts.alert import Alert, NotAnAlertError, alert_of
from kguard.layers.runtime.alerts.lines import Entry, Unreadable
from kguard.layers.runtime.traces import REPORT_GROUP, REPORT_KINDS, is_alert
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence

_NOT_KNOWN = "1970-01-01T00:00:00Z"
_PRIORITIES = {"high": "Critical", "critical": "Critical", "medium": "Warning", "low": "Notice"}


def reported(inventory: Inventory) -> Iterator[tuple[Entry, Evidence]]:
    """The alerts in the PolicyReports of an input, each with the place of its result."""
    for kind in REPORT_KINDS:
        for manifest in inventory.of(kind, REPORT_GROUP):
            for number, result in enumerate(sequence(manifest.object.get("results"))):
                if is_alert(result):
                    place = pointer("results", number)
                    note = f"reported by {manifest.ref}"
                    yield _entry(mapping(result), manifest), Evidence(manifest.id, place, note)


def _entry(result: dict[str, Any], report: Manifest) -> Alert | Unreadable:
    made = report.metadata.get("creationTimestamp")
    known = "evt.time" in mapping(result.get("properties"))
    try:
        return alert_of(
            {
                "time": None if known else made or _NOT_KNOWN,
                "rule": result.get("policy"),
                "priority": _PRIORITIES.get(str(result.get("severity")), "Notice"),
                "output": result.get("message"),
                "output_fields": result.get("properties"),
            }
        )
    except NotAnAlertError as error:
        return Unreadable(str(error))
