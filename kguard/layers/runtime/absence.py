# SPDX-License-Identifier: Apache-2.0
"""What is said where there is no Falco, and how much was judged where there is one?"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.model.facts import runtime as model
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Request
from kguard.model.manifests import ObjectRef

_CLUSTER = ObjectRef(api_version="v1", kind="Namespace", name="falco")
"""The customary namespace: what findings about absence are about."""


def absent(inventory: Inventory, request: Request) -> model.Facts:
    """The facts of an input without Falco; unknown where workloads could not be read."""
    hidden = inventory.unknown_kinds("DaemonSet", "apps")
    return model.Facts(request.scope, "unknown" if hidden else "absent", _CLUSTER)


def coverage(facts: model.Facts) -> LayerCoverage:
    """How many Falcos were judged with all their rules."""
    if facts.presence == "absent":
        return LayerCoverage("no_evidence", 0, 0, "Falco installations", "no Falco in the input")
    if facts.presence == "unknown":
        note = "workloads could not be read"
        return LayerCoverage("unknown", 0, 0, "Falco installations", note)
    total = len(facts.installations)
    if total == 0 and not facts.rules and facts.alerts:
        number = sum(entry.count for entry in facts.alerts)
        return LayerCoverage("evaluated", number, number, "alerts", "alerts only, no Falco")
    if total == 0:
        note = f"rules files only, {len(facts.rules)} rules"
        return LayerCoverage("evaluated", len(facts.rules), len(facts.rules), "rules", note)
    known = sum(entry.rules != "unknown" for entry in facts.installations)
    note = "" if known == total else "not all rules that Falco loads are known"
    state = LayerCoverage("evaluated", known, total, "Falco installations", note)
    return state if known else LayerCoverage("unknown", 0, total, "Falco installations", note)
