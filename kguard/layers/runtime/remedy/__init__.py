# SPDX-License-Identifier: Apache-2.0
"""What closes the findings of the layer `runtime`?"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.runtime.remedy.additions import add_rules
from kguard.layers.runtime.remedy.nodes import tolerate_taints
from kguard.layers.runtime.remedy.outputs import drop_removed, notice_drops, send_alerts
from kguard.layers.runtime.remedy.rules import lower_priority, restore_rules
from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {
    "drop_removed": drop_removed,
    "lower_priority": lower_priority,
    "notice_drops": notice_drops,
    "restore_rules": restore_rules,
    "send_alerts": send_alerts,
    "tolerate_taints": tolerate_taints,
    "add_rules": add_rules,
}
"""The remedies, by the name that policies use; what others restore needs no new rules."""
