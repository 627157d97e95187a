# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about the certificates of a mesh?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef


class Certificate(msgspec.Struct):
    """How certificates of the mesh are renewed, as far as manifests tell."""

    ref: ObjectRef
    subject: Literal["workload", "root", "plugged_ca", "certificate"]
    name: str
    rotation: Literal["automatic", "long_lived", "off", "manual", "elsewhere", "failing", "unknown"]
    """`elsewhere`: whoever owns the files or the socket renews it; `failing`: a status says that
    the renewal is late or does not work."""
    seconds: int
    """The lifetime or interval that is set, 0 where none is."""
    renewed_at: int
    """The percentage of the lifetime after which it is renewed; -1 where nothing tells."""
    basis: Literal["written", "observed"]
    """Configuration proves what should happen; only a status shows what did."""
    because: list[Evidence]


class Expiry(msgspec.Struct):
    """The end of a certificate that the input shows."""

    ref: ObjectRef
    name: str
    ends: str
    """The day, as YYYY-MM-DD in UTC."""
    days: int
    """Whole days from the time of the scan; negative once it has expired."""
    renewal: Literal["planned", "not_seen"]
    """`planned`: its status names a renewal that is still to come, before its end."""
    because: list[Evidence]


class TrustBundle(msgspec.Struct):
    """A namespace whose pods trust another root than the mesh's."""

    ref: ObjectRef
    because: list[Evidence]
