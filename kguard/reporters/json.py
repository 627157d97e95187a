# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to a machine?

The shape is a contract: its JSON Schema is that of `Document`, its version is in `schema`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.clusters import ClusterRow
from kguard.model.comparison import Drift
from kguard.model.findings import (
    FAMILIES,
    Assumed,
    Finding,
    Incomplete,
    LayerCoverage,
    Quote,
    Report,
    Severity,
    State,
)
from kguard.model.locations import Location
from kguard.model.manifests import NotEvaluated
from kguard.reporters.settings import Settings

SCHEMA: Literal["kguard/report/v1"] = "kguard/report/v1"


class Target(msgspec.Struct, kw_only=True):
    """The object that a finding is about."""

    apiVersion: str  # noqa: N815 - the name that Kubernetes uses
    kind: str
    namespace: str
    """Empty for cluster-scoped objects."""
    name: str
    cluster: str | msgspec.UnsetType = msgspec.UNSET


class Entry(msgspec.Struct, kw_only=True):
    """One finding."""

    fingerprint: str
    policy: str
    layer: Literal["network", "mtls", "images", "audit", "runtime", "cross", "manifests"]
    severity: Severity
    state: State
    target: Target
    path: str
    message: str
    locations: list[Location]
    evidence: list[Quote]
    remedy: str
    controls: list[str]
    waiver: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Document(msgspec.Struct, kw_only=True):
    """The whole report."""

    schema: Literal["kguard/report/v1"] = SCHEMA
    complete: bool
    incomplete: list[Incomplete]
    coverage: dict[str, LayerCoverage]
    not_evaluated: list[NotEvaluated]
    assumed: dict[str, Assumed]
    renderers: dict[str, str]
    """The programs that rendered charts and kustomizations, with their versions."""
    scope: str
    at: str
    inputs: list[str]
    objects: int
    clusters: list[ClusterRow] | msgspec.UnsetType = msgspec.UNSET
    """How each stands, where the report is about several."""
    drift: Drift | msgspec.UnsetType = msgspec.UNSET
    """What is different since the last audit, where there is a history of it."""
    findings: list[Entry]


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as indented JSON with a fixed order of keys."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2).decode() + "\n"


def document(report: Report) -> Document:
    """The report in the published shape."""
    return Document(
        complete=report.complete,
        incomplete=list(report.incomplete),
        coverage={name: report.coverage[name] for name in FAMILIES if name in report.coverage},
        not_evaluated=list(report.not_evaluated),
        assumed=dict(sorted(report.assumed.items())),
        renderers=report.renderers,
        scope=report.scope,
        at=report.at,
        inputs=list(report.inputs),
        objects=report.objects,
        clusters=list(report.clusters) or msgspec.UNSET,
        drift=report.drift or msgspec.UNSET,
        findings=[entry(finding) for finding in report.findings],
    )


def entry(finding: Finding) -> Entry:
    """A finding in the published shape."""
    target = finding.target
    return Entry(
        fingerprint=finding.fingerprint,
        policy=finding.policy,
        layer=finding.layer,  # type: ignore[arg-type]
        severity=finding.severity,
        state=finding.state,
        target=Target(
            apiVersion=target.api_version,
            kind=target.kind,
            namespace=target.namespace,
            name=target.name,
            cluster=target.cluster or msgspec.UNSET,
        ),
        path=finding.path,
        message=finding.message,
        locations=list(finding.locations),
        evidence=list(finding.evidence),
        remedy=finding.remedy,
        controls=list(finding.controls),
        waiver=finding.waiver or msgspec.UNSET,
    )
