# SPDX-License-Identifier: Apache-2.0
"""Which place, and which identifier, stand for a finding where a format wants exactly one?"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kguard.model.findings import Finding
from kguard.model.locations import Location

_NAMESPACE = uuid.UUID("6f0f9f6e-6f0b-5d0e-9a37-6b6775617264")
"""Of kguard's identifiers: the same content has the same one in every report."""


def identifier(*parts: str) -> str:
    """A UUID (version 5) that is computed from these texts."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def anchored(finding: Finding, inputs: Sequence[str]) -> list[Location]:
    """The places of a finding, first the one that it is shown at; never empty.

    What is missing has no line: the input that was searched stands for it.
    """
    deciding = sorted(finding.locations, key=lambda place: place.role != "decides")
    return deciding or [_absence(finding, inputs)]


def _absence(finding: Finding, inputs: Sequence[str]) -> Location:
    if finding.target.cluster:
        return Location(role="decides", cluster=finding.target.cluster, path=str(finding.target))
    return Location(role="decides", file=next(iter(inputs), "") or ".")


def path_of(place: Location) -> str:
    """The file of a place, or a name of its object that has the form of a path."""
    return place.file or f"clusters/{place.cluster}/{place.path}".replace("//", "/")
