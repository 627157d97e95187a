# SPDX-License-Identifier: Apache-2.0
"""What does the page show of mutual TLS: a matrix of workloads and ports?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.reporters.html.cells import MAX_ROWS, name_of, rows, words


class Port(msgspec.Struct, frozen=True):
    """Ports of a workload with one mode."""

    ports: str
    effective: str
    decided_by: str


class Workload(msgspec.Struct, frozen=True):
    """One line of the matrix."""

    name: str
    plane: str
    reason: str
    ports: tuple[Port, ...]


class View(msgspec.Struct, frozen=True):
    """The section."""

    workloads: tuple[Workload, ...]
    left_out: int


def view(facts: Mapping[str, Any]) -> View:
    """The section of a facts document."""
    linked = rows(facts, "linkerd")
    meshed = {name_of(row.get("ref")) for row in linked}
    others = [row for row in rows(facts, "workloads") if name_of(row.get("ref")) not in meshed]
    found = [*(_workload(row) for row in others), *(_linkerd(row) for row in linked)]
    shown = tuple(found[:MAX_ROWS])
    return View(shown, len(found) - len(shown))


def _workload(row: Mapping[str, Any]) -> Workload:
    modes = rows(row, "modes")
    return Workload(
        name=name_of(row.get("ref")),
        plane=words(row.get("plane")),
        reason=words(row.get("reason")),
        ports=tuple(_port(mode) for mode in modes),
    )


def _linkerd(row: Mapping[str, Any]) -> Workload:
    meshed = row.get("meshed") == "yes"
    return Workload(
        name=name_of(row.get("ref")),
        plane="linkerd" if meshed else "unknown",
        reason="enrolled" if meshed else "not known",
        ports=tuple(
            _port({**mode, "effective": _ACCEPTS.get(str(mode.get("accepts")), "unknown")})
            for mode in rows(row, "modes")
        ),
    )


_ACCEPTS = {
    "nobody": "strict",
    "authenticated": "strict",
    "tls": "permissive",
    "unauthenticated": "permissive",
    "uncaptured": "uncaptured",
    "unknown": "unknown",
}


def _port(mode: Mapping[str, Any]) -> Port:
    numbers = ", ".join(str(port) for port in mode.get("ports") or [])
    return Port(
        ports=numbers or "other",
        effective=str(mode.get("effective", "unknown")),
        decided_by=str(mode.get("decided_by") or "default"),
    )
