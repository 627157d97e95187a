# SPDX-License-Identifier: Apache-2.0
"""How does one cluster among several stand, in one line?"""

from __future__ import annotations

from typing import Literal

import msgspec

CoverageState = Literal["evaluated", "unknown", "not_evaluated", "no_evidence"]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of one cluster."""

    state: CoverageState
    evaluated: int
    """Subjects judged with certainty."""
    total: int
    subject: str
    """What is counted, in words."""
    findings: dict[str, int]
    """Open findings by severity, those of the baseline too; the worst first."""
    unknown: int
    """Undecided ones."""
    note: str = ""
    """Why not all subjects were judged, in words."""
    since: str = ""
    """Since when one of the worst has been there; empty without a history."""


class ClusterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster of several."""

    name: str
    at: str
    """The time of the audit, RFC 3339 in UTC."""
    complete: bool
    reason: str
    """The first thing that could not be evaluated; empty where all was."""
    objects: int
    findings: dict[str, int]
    """Those of the layers, across layers and of manifests as such, as in `Cell`."""
    unknown: int
    """Undecided ones of all of them."""
    layers: dict[str, Cell]
    """The layers that were asked for."""
