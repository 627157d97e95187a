# SPDX-License-Identifier: Apache-2.0
"""What does a scan say: policies, findings, the report?"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from kguard.model.clusters import ClusterRow, CoverageState
from kguard.model.comparison import Drift
from kguard.model.facts.common import Evidence
from kguard.model.locations import Location
from kguard.model.manifests import NotEvaluated, ObjectRef

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

State = Literal["open", "waived", "baseline", "unknown"]

LAYERS = ("network", "mtls", "images", "audit", "runtime")
"""The five protection layers, in the order of every report."""

FAMILIES = (*LAYERS, "cross", "manifests")
"""Everything that a finding's `layer` can be, in the order of every report."""


class Policy(msgspec.Struct, frozen=True):
    """One Rego policy with its METADATA."""

    id: str
    """`layer/name-with-dashes`."""
    layer: str
    package: str
    title: str
    description: str
    severity: Severity
    subjects: str
    """The facts collection that the policy judges."""
    remedy: str
    """Name of the layer's remedy function, or empty."""
    no_remedy: str
    """Why there is no remedy, where `remedy` is empty."""
    kind: Literal["posture", "effect"]
    controls: tuple[str, ...]
    since: str
    params: dict[str, Any]
    """JSON Schema properties with defaults."""
    input: Literal["facts", "objects", "adopted"]
    """What `input` is: facts, the manifests, or what rules of conftest and Gatekeeper get."""
    aliases: tuple[str, ...]
    deprecated: bool
    related_resources: tuple[str, ...]
    file: str
    text: str
    has_unknown: bool
    """Whether the policy defines the `unknown` entry point."""
    bundled: bool
    follows: tuple[str, ...] = ()
    """Policies whose findings one of this policy may take the place of: the rung before it."""
    modules: tuple[str, ...] = ()
    """Libraries that it cannot do without, by path."""
    constraint: dict[str, Any] | None = None
    """Of a Constraint of Gatekeeper: `match`, `parameters`, whether it reads the `inventory`."""


class Quote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of evidence as a report shows it."""

    role: str
    """`decides` (part of the reason) or `related` (context, a victim, a caller)."""
    note: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    """The quoted line, redacted."""
    cluster: str = ""
    object: str = ""
    path: str = ""
    """JSON pointer within the object."""


class Finding(msgspec.Struct, frozen=True):
    """A policy's verdict on a target."""

    fingerprint: str
    policy: str
    layer: str
    severity: Severity
    state: State
    target: ObjectRef
    path: str
    message: str
    locations: tuple[Location, ...]
    evidence: tuple[Quote, ...]
    remedy: str
    controls: tuple[str, ...]
    waiver: dict[str, str] = {}
    """`by`, `until`, `reason` and `source` of the waiver that accepts it."""


class RawFinding(msgspec.Struct, frozen=True):
    """What a policy returns, checked for its shape: engine-neutral and without positions."""

    policy: str
    target: ObjectRef
    path: str
    message: str
    evidence: tuple[Evidence, ...]
    severity: Severity | None
    unknown: bool


class Incomplete(msgspec.Struct, frozen=True, order=True):
    """Something asked for that could not be evaluated."""

    source: str
    reason: str
    hint: str = ""


class Assumed(msgspec.Struct, frozen=True):
    """What is taken for granted about the cluster, and why."""

    value: str
    how: Literal["assumed", "detected", "configured"]
    because: str = ""


class LayerCoverage(msgspec.Struct, frozen=True):
    """How much of a layer was evaluated."""

    state: CoverageState
    evaluated: int
    """Subjects judged with certainty."""
    total: int
    subject: str
    """What is counted, in words: `workloads`, `images` ..."""
    note: str = ""


class Report(msgspec.Struct, frozen=True):
    """The result of a scan."""

    findings: tuple[Finding, ...]
    complete: bool
    incomplete: tuple[Incomplete, ...]
    coverage: dict[str, LayerCoverage]
    not_evaluated: tuple[NotEvaluated, ...]
    assumed: dict[str, Assumed]
    scope: str
    at: str
    """The time of the scan, RFC 3339 in UTC."""
    inputs: tuple[str, ...]
    objects: int
    policies: dict[str, Policy]
    """The policies that ran, by id."""
    facts: dict[str, Any]
    """The facts structs by layer, for reporters that draw (HTML)."""
    renderers: dict[str, str] = {}
    """The user's programs that rendered charts and kustomizations, with their versions."""
    clusters: tuple[ClusterRow, ...] = ()
    """The clusters, where the report is about several; the targets of its findings name theirs."""
    drift: Drift | None = None
    """What is different since the last audit, where there is a history of it."""


def fingerprint(policy: str, target: ObjectRef, path: str) -> str:
    """A name of the finding that survives reordering, renaming of files and unrelated edits.

    `path` must name things by names, never by list indexes.
    """
    identity = (policy, target.group, target.kind, target.namespace, target.name, path)
    return hashlib.sha256("\x1f".join(identity).encode()).hexdigest()[:24]


def reason_of(report: Report) -> str:
    """The first thing that a report says could not be evaluated; empty where everything was."""
    first = next(iter(report.incomplete), None)
    return f"{first.source}: {first.reason}" if first else ""


def severity_at_least(severity: Severity, gate: str) -> bool:
    """Whether a severity reaches the gate (`none` is never reached)."""
    if gate == "none":
        return False
    return SEVERITIES.index(severity) >= [*SEVERITIES].index(gate)  # type: ignore[arg-type]
