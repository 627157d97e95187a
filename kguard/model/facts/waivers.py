# SPDX-License-Identifier: Apache-2.0
"""What shape have the facts about waivers?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

WaiverState = Literal["valid", "unused", "expired", "incomplete", "over-broad", "unapproved"]


class WaiverFact(msgspec.Struct, frozen=True):
    """One waiver: where it stands, what it accepts, and whether it counts."""

    ref: ObjectRef
    policy: str
    state: WaiverState
    reason: str
    because: list[Evidence]


class Facts(msgspec.Struct, frozen=True):
    """All waivers of the scan."""

    waivers: list[WaiverFact]
