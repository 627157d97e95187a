# SPDX-License-Identifier: Apache-2.0
"""How does a cluster come into one line, from its report or from the history?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from kguard.model.clusters import Cell, ClusterRow
from kguard.model.findings import LAYERS, SEVERITIES, LayerCoverage

_PRESENT = ("open", "baseline")


class Judgement(Protocol):
    """What a finding and a finding that the history keeps have in common."""

    @property
    def fingerprint(self) -> str:
        """Its name."""

    @property
    def layer(self) -> str:
        """The layer of its policy."""

    @property
    def severity(self) -> str:
        """How bad it is."""

    @property
    def state(self) -> str:
        """`open`, `waived`, `baseline` or `unknown`."""


def row(
    name: str,
    at: str,
    *,
    reason: str,
    objects: int,
    coverage: Mapping[str, LayerCoverage],
    findings: Sequence[Judgement],
    since: Mapping[str, str],
) -> ClusterRow:
    """One cluster in one line.

    Args:
        name: of the cluster.
        at: the time of the audit.
        reason: the first thing that could not be evaluated; empty where everything was.
        objects: how many were read.
        coverage: how much of each layer was evaluated.
        findings: in any state.
        since: since when they have been there, by fingerprint, as far as it is known.
    """
    by_layer = {layer: [f for f in findings if f.layer == layer] for layer in LAYERS}
    return ClusterRow(
        name=name,
        at=at,
        complete=not reason,
        reason=reason,
        objects=objects,
        findings=_counts(findings),
        unknown=_undecided(findings),
        layers={
            layer: _cell(coverage[layer], mine, since)
            for layer, mine in by_layer.items()
            if layer in coverage
        },
    )


def _cell(coverage: LayerCoverage, findings: Sequence[Judgement], since: Mapping[str, str]) -> Cell:
    counts = _counts(findings)
    worst = [f for f in findings if f.state in _PRESENT and f.severity == next(iter(counts), "")]
    return Cell(
        state=coverage.state,
        evaluated=coverage.evaluated,
        total=coverage.total,
        subject=coverage.subject,
        findings=counts,
        unknown=_undecided(findings),
        note=coverage.note,
        since=min((since[f.fingerprint] for f in worst if f.fingerprint in since), default=""),
    )


def _counts(findings: Iterable[Judgement]) -> dict[str, int]:
    """How many there are by severity, the worst first."""
    counts = Counter(finding.severity for finding in findings if finding.state in _PRESENT)
    return {name: counts[name] for name in reversed(SEVERITIES) if counts[name]}


def _undecided(findings: Iterable[Judgement]) -> int:
    return sum(finding.state == "unknown" for finding in findings)
