# SPDX-License-Identifier: Apache-2.0
"""What do all reports for people say alike: groups, counts, places, safe text?"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import get_args

import msgspec

from kguard.model.clusters import ClusterRow
from kguard.model.findings import (
    FAMILIES,
    LAYERS,
    SEVERITIES,
    Finding,
    LayerCoverage,
    Policy,
    Quote,
    Report,
    State,
)
from kguard.model.manifests import ObjectRef


class Group(msgspec.Struct, frozen=True):
    """Findings of one policy that a person reads as one."""

    findings: tuple[Finding, ...]
    policy: Policy | None

    @property
    def first(self) -> Finding:
        """The finding that speaks for the group."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """The title of the policy; its id for a policy that the report does not hold."""
        return self.policy.title if self.policy else self.first.policy


class Row(msgspec.Struct, frozen=True):
    """One line of the summary."""

    layer: str
    findings: str
    evaluated: str
    state: str


def grouped(report: Report, states: tuple[str, ...] = ("open", "unknown")) -> list[Group]:
    """The report's findings in these states as groups: by layer, then severity, then policy."""
    shown = [finding for finding in report.findings if finding.state in states]
    return list(_grouped(shown, report.policies))


def _grouped(findings: Iterable[Finding], policies: dict[str, Policy]) -> Iterable[Group]:
    def key(finding: Finding) -> tuple[int, int, str, str]:
        rank = -SEVERITIES.index(finding.severity)
        return FAMILIES.index(finding.layer), rank, finding.policy, finding.state

    for _, found in groupby(sorted(findings, key=key), key=key):
        members = tuple(found)
        yield Group(members, policies.get(members[0].policy))


def listed(targets: Sequence[ObjectRef], among: Iterable[ObjectRef] = ()) -> str:
    """`Deployment shop/cart, orders; Pod web/x`: kind and namespace once for those alike.

    A kind of which `among` or the targets hold several API groups is told with its group.
    """
    groups: dict[str, set[str]] = {}
    for target in (*targets, *among):
        groups.setdefault(target.kind, set()).add(target.group)

    def said(target: ObjectRef) -> str:
        ambiguous = len(groups[target.kind]) > 1 and target.group
        return f"{target.kind}.{target.group}" if ambiguous else target.kind

    several = len({target.cluster for target in (*targets, *among)} - {""}) > 1
    parts = []
    for (cluster, kind, namespace), alike in groupby(
        targets, key=lambda t: (t.cluster if several else "", said(t), t.namespace)
    ):
        names = ", ".join(target.name for target in alike)
        place = f"{kind} {namespace}/{names}" if namespace else f"{kind} {names}"
        parts.append(f"{cluster}: {place}" if cluster else place)
    return "; ".join(parts)


def place(quote: Quote) -> str:
    """`file:line` or the cluster's object and field; empty for an absence."""
    if quote.file:
        return f"{quote.file}:{quote.line}" if quote.line else f"{quote.file} {quote.path}".strip()
    if quote.cluster:
        return f"{quote.cluster}: {quote.object}{quote.path}"
    return ""


def counted(findings: Iterable[Finding]) -> str:
    """`1 critical, 2 high`, or `-` for none."""
    found = Counter(finding.severity for finding in findings)
    return ", ".join(f"{found[s]} {s}" for s in reversed(SEVERITIES) if found[s]) or "-"


def by_state(report: Report) -> dict[str, int]:
    """How many findings there are in each state, also where it is none."""
    found = Counter(finding.state for finding in report.findings)
    return {state: found[state] for state in get_args(State)}


def counts_of(row: ClusterRow) -> str:
    """The findings of one cluster among several: `2 high, 1 unknown; incomplete`."""
    parts = [f"{count} {severity}" for severity, count in row.findings.items()]
    parts += [f"{row.unknown} unknown"] if row.unknown else []
    counts = ", ".join(parts) or ("no findings" if row.complete else "nothing is known")
    return counts if row.complete else f"{counts}; incomplete"


def summary(report: Report) -> list[Row]:
    """The five layers, also the silent ones, and the other families that have findings."""
    rows = []
    for layer in FAMILIES:
        mine = [f for f in report.findings if f.layer == layer and f.state in ("open", "unknown")]
        if layer in LAYERS or mine:
            rows.append(_row(layer, mine, report.coverage.get(layer)))
    return rows


def _row(layer: str, mine: list[Finding], coverage: LayerCoverage | None) -> Row:
    undecided = sum(finding.state == "unknown" for finding in mine)
    text = counted(finding for finding in mine if finding.state == "open")
    if undecided:
        text = f"{undecided} unknown" if text == "-" else f"{text}, {undecided} unknown"
    if coverage is None:
        asked = "not asked for" if layer in LAYERS else ""
        return Row(layer, text, asked, "not_evaluated")
    return Row(layer, text, evaluated(coverage), coverage.state)


def evaluated(coverage: LayerCoverage) -> str:
    """How much was evaluated, in words."""
    share = f"{coverage.evaluated} of {number_of(coverage.total, coverage.subject)}"
    head = {
        "no_evidence": "no evidence in this input",
        "not_evaluated": "not evaluated",
        "unknown": f"unknown: {share} decided" if coverage.total else "unknown",
        "evaluated": share,
    }[coverage.state]
    return f"{head}; {coverage.note}" if coverage.note else head


def number_of(number: int, plural: str) -> str:
    """`2 workloads`, `1 workload`, `1 audit policy`."""
    if number != 1:
        return f"{number} {plural}"
    stem = plural.removesuffix("ies")
    return f"1 {plural.removesuffix('s')}" if stem == plural else f"1 {stem}y"


def totals(report: Report) -> str:
    """The sentence that counts everything."""
    opened = [finding for finding in report.findings if finding.state == "open"]
    number = f"{len(opened)} finding{'' if len(opened) == 1 else 's'}"
    text = f"{number} ({counted(opened)})" if opened else "No findings"
    for state, words in _OTHER_STATES:
        count = sum(finding.state == state for finding in report.findings)
        if count:
            text += f", {count} {words}"
    return text + _until(report)


_OTHER_STATES = (
    ("unknown", "undecided"),
    ("baseline", "in the baseline"),
    ("waived", "waived"),
)


def _until(report: Report) -> str:
    dates = [f.waiver["until"] for f in report.findings if f.state == "waived" and f.waiver]
    return f" until {min(dates)}" if dates else ""


_ASSUMED_NAMES = {
    "kubernetes": "Kubernetes",
    "istio": "Istio",
    "knative": "Knative",
    "falco": "Falco",
    "cni": "CNI",
}


def assumptions(report: Report) -> str:
    """`Rendered by helm 3.22.0.  Assumed: Kubernetes 1.36.`: what the verdicts rest on."""
    known: dict[str, list[str]] = {"configured": [], "detected": [], "assumed": []}
    for key in sorted(report.assumed, key=lambda k: ([*_ASSUMED_NAMES, k].index(k), k)):
        entry = report.assumed[key]
        if entry.value:
            known[entry.how].append(f"{_ASSUMED_NAMES.get(key, key)} {entry.value}")
    by = ", ".join(f"{name} {version}" for name, version in report.renderers.items())
    parts = [f"Rendered by {by}."] if by else []
    parts += (
        f"{how.capitalize()}: {', '.join(values)}." for how, values in known.items() if values
    )
    return "  ".join(parts)


def way_out(group: Group, report: Report) -> tuple[str, str]:
    """How the findings are closed: the command of a remedy, or why there is none."""
    policy = group.policy
    if group.first.state != "open":
        return "", ""
    if group.first.remedy:
        inputs = " ".join(shlex.quote(name) for name in report.inputs) or "INPUT"
        return "fix", f"kguard fix {inputs} --policy {group.first.policy}"
    if policy and policy.no_remedy:
        return "no fix", policy.no_remedy
    return "", ""
