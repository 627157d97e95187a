# SPDX-License-Identifier: Apache-2.0
"""Which shape have the JSON documents that are printed row by row, or as another tool prints them?

The structs are the source of their JSON Schemas; a test holds what is printed against them.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import msgspec


class ManifestLine(msgspec.Struct):
    """A line of `kguard manifests`: an object, or why something is not readable."""

    file: str
    line: int
    object: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class ChangeCause(TypedDict, total=False):
    """What causes a change of connections; without a place where it is an absence."""

    side: Literal["base", "head"]
    file: str
    line: int
    note: str


class ConnectionChange(msgspec.Struct):
    """A row of `kguard network diff`."""

    kind: Literal["added", "removed", "changed"]
    src: str
    dst: str
    base: str
    head: str
    workloads: str
    because: list[ChangeCause]


class Said(TypedDict):
    """A sentence with the place that it is about; for an absence, no file and line 0."""

    file: str
    line: int
    note: str


class TierStep(Said):
    """What a tier has to say."""

    tier: str


class ConnectionEnd(TypedDict):
    """One end of a connection, and what decides there."""

    direction: Literal["ingress", "egress"]
    who: str
    verdict: Literal["allowed", "blocked", "unknown"]
    steps: list[TierStep]
    otherwise: str


class ConnectionExplained(msgspec.Struct):
    """The document of `kguard network explain`."""

    source: str
    target: str
    port: str
    verdict: Literal["allowed", "blocked", "unknown"]
    sides: list[ConnectionEnd]
    mesh: str
    plugins: dict[Literal["allowed", "blocked", "unknown"], list[str]]
    """What each plugin would answer where nothing tells which one runs; else empty."""
    meant: list[Said] | None


class CoverageRow(msgspec.Struct):
    """A row of `kguard runtime coverage`."""

    daemonset: str
    node: str
    covered: bool
    reason: str


class FalcoPosition(TypedDict):
    """Where in a rules file."""

    column: int
    line: int
    name: str
    offset: int


class FalcoSpot(TypedDict):
    """What stands there."""

    item_name: str
    item_type: str
    position: FalcoPosition


class FalcoContext(TypedDict):
    """The place of a problem, from the file inwards."""

    locations: list[FalcoSpot]
    snippet: str


class FalcoProblem(TypedDict):
    """An error or a warning of Falco's rules loader."""

    code: str
    codedesc: str
    context: FalcoContext
    message: str


class FalcoResult(TypedDict):
    """What Falco says of one rules file."""

    errors: list[FalcoProblem]
    name: str
    successful: bool
    warnings: list[FalcoProblem]


class FalcoResults(TypedDict):
    """The document of `falco -V ... -o json_output=true`."""

    falco_load_results: list[FalcoResult]


class RuleRow(TypedDict):
    """A rule of the loaded files."""

    name: str
    enabled: bool
    dead: bool
    because: str
    weakened: list[str]
    """What changes take from a rule that can still fire."""
    shadowed_by: str
    """The rule that takes every event of this one; empty where none does."""
    condition_compiled: str
    events: list[str]


class DetectionRow(TypedDict):
    """An attack, and whether a rule in force notices it."""

    id: str
    title: str
    state: Literal["fires", "hidden", "silent", "unknown"]
    rule: str
    priority: str
    because: str


class RuleDocument(msgspec.Struct):
    """The document of `kguard runtime rules`."""

    result: FalcoResults
    not_judged: list[str]
    """What goes beyond the limits of kguard, so that nobody knows what Falco makes of it."""
    unmet: list[str]
    """Complaints about required plugins none of which is loaded."""
    rules: list[RuleRow]
    detections: list[DetectionRow]
