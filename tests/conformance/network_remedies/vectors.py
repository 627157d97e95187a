# SPDX-License-Identifier: Apache-2.0
"""Do the remedies for real applications close what they should and cut nothing?

Every application is remedied as it is, and again with `--tighten`, and the result is put beside
the policies that cluster-topology-analyzer synthesises, where it has some: how many there are,
what they let pods open of one another, and how many intended flows they keep.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.inventory import Inventory, build
from kguard.layers.network import LAYER
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import GENERIC
from kguard.model.layer import Request
from kguard.model.manifests import Collected
from kguard.remediation import plan
from tests.conformance.cluster_topology.vectors import synthesised

Point = tuple[str, Any, Any]
SUITE = "network remedies over applications"
AT = datetime(2026, 11, 23, tzinfo=UTC)
CORPUS = (
    "istio-bookinfo",
    "knative-docs",
    "knative-serving",
    "online-boutique/kubernetes-manifests",
    "practice-article",
)
PROMISED = {"cut": 0, "opened": 0, "weakened": 0, "second run empty": True, "left open": 0}
MODES = {"as it is": False, "--tighten": True}


class Outcome(NamedTuple):
    """What a set of policies does for an application."""

    closed: int
    findings: int
    policies: int
    kept: int
    intended: int
    connections: int


def applications(conformance: Path) -> Iterator[Point]:
    """For each application and mode, what is promised and what the proof says."""
    for name, folder in _folders(conformance):
        for mode, tighten in MODES.items():
            proof = remedied(folder, tighten=tighten).proof
            answered = {f for e in (*proof.refused, *proof.cannot) for f in e.findings}
            silent = [f for f in proof.remaining if f.fingerprint not in answered]
            left = proof.remaining if tighten else silent
            ours = {
                "cut": len(proof.cuts) + proof.flows.allowed_before - proof.flows.allowed_after,
                "opened": len(proof.opens) + len(proof.new_findings),
                "weakened": len(proof.weakens),
                "second run empty": proof.second_run_empty,
                "left open": len(left),
            }
            yield f"{name} {mode}", PROMISED, ours


SUITES = {SUITE: applications}


def table(conformance: Path) -> Iterator[str]:
    """Side by side: the remedies with `--tighten`, and what the other tool synthesises."""
    head = "closed/findings  policies  pod connections  intended flows kept"
    yield f"{'application':32} {'of':24} {head}"
    for name, folder in _folders(conformance):
        before, ours, theirs = beside(folder)
        yield _row(name, "nothing applied", before)
        yield _row("", "kguard fix --tighten", ours)
        if theirs is not None:
            yield _row("", "cluster-topology-analyzer", theirs)


TABLES = {SUITE: table}


def _row(name: str, of: str, found: Outcome) -> str:
    closed = f"{found.closed}/{found.findings}"
    kept = f"{found.kept}/{found.intended}"
    return (
        f"{name:32} {of:26} {closed:>13}  {found.policies:>8}  {found.connections:>15}  {kept:>19}"
    )


def _folders(conformance: Path) -> Iterator[tuple[str, Path]]:
    for folder in sorted((conformance / "cluster-topology").iterdir()):
        if folder.is_dir():
            yield f"cluster-topology/{folder.name}", folder
    for name in CORPUS:
        yield f"corpus/{name.partition('/')[0]}", conformance.parent / "corpus" / name


def beside(folder: Path) -> tuple[Outcome, Outcome, Outcome | None]:
    """The application without policies, with ours, and with those of the other tool."""
    found = remedied(folder, tighten=True)
    proof = found.proof
    total = len(proof.closes) + len(proof.remaining)
    before = read(folder)
    ours = found.after.inventory
    theirs = synthesised(folder)
    return (
        _outcome(build(before), 0, total),
        _outcome(ours, len(proof.closes), total),
        _beyond(before, theirs, total) if theirs else None,
    )


def _beyond(before: Collected, theirs: list[Any], total: int) -> Outcome:
    collected = Collected(manifests=[*before.manifests, *theirs])
    known = {f.fingerprint for f in _judge(before).report.findings if f.state == "open"}
    left = {f.fingerprint for f in _judge(collected).report.findings if f.state == "open"}
    return _outcome(build(collected), len(known - left), total)


def _outcome(inventory: Inventory, closed: int, total: int) -> Outcome:
    facts: Any = LAYER.facts(inventory, Request(scope="app", at=AT))
    allowed = sum(flow.verdict == "allowed" for flow in facts.flows)
    policies = len(inventory.of("NetworkPolicy", "networking.k8s.io"))
    return Outcome(closed, total, policies, allowed, len(facts.flows), _connections(inventory))


def _connections(inventory: Inventory) -> int:
    """Connections between two workloads at a port that the target declares."""
    cluster = Cluster(inventory, GENERIC)
    reach = cluster.reach
    return sum(
        bool(reach.connection(source, target).must & reach.ports.of_port(p.protocol, p.number))
        for target, called in enumerate(cluster.workloads)
        for p in called.ports
        for source in range(len(cluster.workloads))
        if source != target
    )


def read(folder: Path) -> Collected:
    """The manifests of an application."""
    names = [str(path) for path in sorted(folder.rglob("*.yaml"))]
    plain = [n for n in names if "expected_" not in n and not n.endswith("kustomization.yaml")]
    return sources.collect(plain, sources.Options(render="never"))


@cache
def remedied(folder: Path, *, tighten: bool) -> plan.Plan:
    """An application with every remedy of the layer applied."""
    return plan.make(_judge(read(folder)), _judge, plan.Wishes(tighten=tighten))


def _judge(collected: Collected) -> scan.Judged:
    return scan.scan(collected, scan.Options(at=AT, layers=("network",)), _engine())


@cache
def _engine() -> EmbeddedEngine:
    found = EmbeddedEngine()
    atexit.register(found.close)
    return found
