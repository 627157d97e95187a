# SPDX-License-Identifier: Apache-2.0
"""What stands on the page, apart from what each layer shows of its own?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from kguard.model.findings import (
    FAMILIES,
    LAYERS,
    SEVERITIES,
    Finding,
    Incomplete,
    Quote,
    Report,
)
from kguard.model.manifests import NotEvaluated
from kguard.reporters import drift
from kguard.reporters.settings import Settings
from kguard.reporters.text import Group, Row, assumptions, grouped, place, summary, totals, way_out

TOP = 3
MAX_ITEMS = 200
"""Findings of one policy and severity that are shown; the others are counted."""
MAX_ALL = 5000
"""Findings of all policies that are shown: about 10 MB."""
MAX_LINES = 500
"""Lines about accepted findings, about what was not read, and about what was not evaluated."""
TITLES = {
    "network": "Network: who can reach whom",
    "mtls": "Mutual TLS: what each port accepts",
    "images": "Images: signed by whom, enforced by what",
    "audit": "Audit: what is recorded",
    "runtime": "Runtime: what would be noticed",
    "cross": "Across the layers",
    "manifests": "Manifests as such",
}
SHORT = {"mtls": "mTLS"}


class Step(msgspec.Struct, frozen=True):
    """One step of an argument."""

    where: str
    text: str
    note: str


class Item(msgspec.Struct, frozen=True):
    """One finding."""

    anchor: str
    target: str
    message: str
    steps: tuple[Step, ...]
    state: str
    waiver: dict[str, str]


class Block(msgspec.Struct, frozen=True):
    """The findings of one policy with one severity."""

    anchor: str
    layer: str
    policy: str
    title: str
    description: str
    severity: str
    state: str
    items: tuple[Item, ...]
    count: int
    """All findings of the block; more than `items` where they are too many."""
    way_label: str
    way_text: str
    controls: tuple[str, ...]
    links: tuple[str, ...]


class Tile(msgspec.Struct, frozen=True):
    """The summary of one layer."""

    layer: str
    name: str
    title: str
    state: str
    counts: tuple[tuple[str, int], ...]
    unknown: int
    evaluated: str
    share: int
    """Percent of the subjects that were judged with certainty."""


class Page(msgspec.Struct, frozen=True):
    """Everything that the template shows."""

    report: Report
    subject: str
    """What the report is about, in words."""
    totals: str
    exit_code: int
    tiles: tuple[Tile, ...]
    top: tuple[Block, ...]
    blocks: dict[str, tuple[Block, ...]]
    accepted: tuple[Item, ...]
    accepted_policies: tuple[str, ...]
    more_accepted: int
    not_read: tuple[Incomplete, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    more_not_read: int
    titles: dict[str, str]
    since: str
    """What there is to say about the last audit; empty without a history."""
    changes: tuple[tuple[str, str], ...]
    """A word and a sentence each."""
    assumptions: str
    """What the verdicts rest on, in one sentence."""


def page(report: Report, settings: Settings) -> Page:
    """The page of a report."""
    blocks = _blocks(report)
    accepted = [f for f in report.findings if f.state in ("waived", "baseline")]
    by_layer = {layer: tuple(b for b in blocks if b.layer == layer) for layer in FAMILIES}
    opened = [block for block in blocks if block.state == "open"]
    opened.sort(key=lambda block: -SEVERITIES.index(block.severity))
    return Page(
        report=report,
        subject=settings.cluster or ", ".join(report.inputs) or "live cluster",
        totals=totals(report),
        exit_code=settings.exit_code,
        tiles=tuple(_tile(row, report) for row in summary(report) if row.layer in LAYERS),
        top=tuple(opened[:TOP]),
        blocks=by_layer,
        accepted=tuple(item(finding) for finding in accepted[:MAX_LINES]),
        accepted_policies=tuple(finding.policy for finding in accepted[:MAX_LINES]),
        more_accepted=max(len(accepted) - MAX_LINES, 0),
        not_read=report.incomplete[:MAX_LINES],
        not_evaluated=report.not_evaluated[:MAX_LINES],
        more_not_read=sum(
            max(len(entries) - MAX_LINES, 0)
            for entries in (report.incomplete, report.not_evaluated)
        ),
        titles=TITLES,
        since=drift.heading(report.drift) if report.drift else "",
        changes=tuple(drift.lines(report)),
        assumptions=assumptions(report),
    )


def _tile(row: Row, report: Report) -> Tile:
    mine = [f for f in report.findings if f.layer == row.layer]
    opened = Counter(f.severity for f in mine if f.state == "open")
    coverage = report.coverage.get(row.layer)
    share = 100 * coverage.evaluated // coverage.total if coverage and coverage.total else 0
    return Tile(
        layer=row.layer,
        name=SHORT.get(row.layer, row.layer.capitalize()),
        title=TITLES[row.layer],
        state=row.state,
        counts=tuple((s, opened[s]) for s in reversed(SEVERITIES) if s in opened),
        unknown=sum(f.state == "unknown" for f in mine),
        evaluated=row.evaluated,
        share=share if row.state == "evaluated" else 0,
    )


def _blocks(report: Report) -> list[Block]:
    """The findings by policy; where they are too many, the worst keep their place."""
    groups = grouped(report)
    room, shown = MAX_ALL, {}
    for group in sorted(groups, key=lambda group: -SEVERITIES.index(group.first.severity)):
        shown[id(group)] = min(len(group.findings), MAX_ITEMS, max(room, 1))
        room -= shown[id(group)]
    return [_block(group, report, shown[id(group)]) for group in groups]


def _block(group: Group, report: Report, number: int) -> Block:
    first, policy = group.first, group.policy
    label, text = way_out(group, report)
    return Block(
        anchor=f"{first.policy}-{first.severity}-{first.state}".replace("/", "-"),
        layer=first.layer,
        policy=first.policy,
        title=group.title,
        description=policy.description if policy else "",
        severity=first.severity,
        state=first.state,
        items=tuple(item(finding) for finding in group.findings[:number]),
        count=len(group.findings),
        way_label=label,
        way_text=text,
        controls=first.controls,
        links=tuple(_links(policy.related_resources if policy else ())),
    )


def _links(links: Sequence[str]) -> list[str]:
    return [link for link in links if link.startswith("https://")]


def item(finding: Finding) -> Item:
    """A finding with the steps of its argument."""
    return Item(
        anchor=f"finding-{finding.fingerprint}",
        target=str(finding.target),
        message=finding.message,
        steps=tuple(_step(quote) for quote in finding.evidence),
        state=finding.state,
        waiver=finding.waiver,
    )


def _step(quote: Quote) -> Step:
    return Step(place(quote), quote.text.strip("\n"), quote.note)
