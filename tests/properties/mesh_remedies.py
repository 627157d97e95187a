# SPDX-License-Identifier: Apache-2.0
"""What do remedies do to a random cluster, and which intended edges work before and after them?

The cluster of a number, its scope and the wishes are the same for everybody who asks. Whether an
edge works is asked of the model of edges itself, not of the comparison that the proof uses.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from kguard.engine import catalog
from kguard.engine.base import Engine
from kguard.inventory import Inventory
from kguard.layers.mtls.facts.edges import edges_of
from kguard.layers.mtls.facts.intended import edges_for, intended_calls
from kguard.layers.mtls.facts.view import View
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.remediation import plan
from kguard.remediation.proof import Proof
from kguard.scan import Judged, Options, scan
from kguard.sources.yaml import Document, load
from kguard.sources.yaml.emit import emit
from tests.cases.runner import AT
from tests.properties.mesh_clusters import Object, cluster

Edge = tuple[str, str, int, str]


class Mended(NamedTuple):
    """A cluster before its remedies and after them."""

    before: Judged
    after: Judged
    proof: Proof
    options: Options

    def unanswered(self) -> list[str]:
        """Messages of findings that are left without being refused, and could be closed."""
        entries = (*self.proof.refused, *self.proof.cannot)
        answered = {fingerprint for entry in entries for fingerprint in entry.findings}
        closable = {policy.id for policy in catalog.bundled() if policy.remedy}
        left = (*self.proof.remaining, *self.proof.next_findings)
        return [
            entry.message
            for entry in left
            if entry.policy in closable and entry.fingerprint not in answered
        ]

    def edges(self) -> tuple[set[Edge], set[Edge]]:
        """The intended edges that work: before, and after."""
        before, after = (_working(s.inventory, self.options) for s in (self.before, self.after))
        return before, after


def mended(number: int, engine: Engine) -> Mended:
    """The cluster of that number with its remedies."""
    rng = random.Random(number)
    collected = _collected(list(cluster(rng)))
    options = Options(scope=rng.choice(["app", "cluster"]), at=AT, layers=("mtls",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    before = again(collected)
    wishes = plan.Wishes(
        stage=rng.choice(["enforce", "enforce", "enforce", "warn", "observe"]),
        tighten=rng.random() < 0.2,
    )
    made = plan.make(before, again, wishes)
    return Mended(before, made.after, made.proof, options)


def _working(inventory: Inventory, options: Options) -> set[Edge]:
    """Every intended edge that works: client, server, port, Service."""
    view = View(inventory, Request(scope=options.scope, at=AT))
    edges = edges_of(view)
    return {
        (edge.client.id, edge.server.id, edge.port, edge.service)
        for call in intended_calls(view)
        for edge in edges_for(edges, call)
        if edge.verdict == "works"
    }


def _collected(objects: list[Object]) -> Collected:
    manifests = []
    for number, value in enumerate(objects):
        for document in load(emit(value).encode()):
            assert isinstance(document, Document)
            text = SourceText(f"in/{number:02}.yaml", 0, 1, document.text)
            manifests.append(Manifest(document.value, text))
    return Collected(manifests=manifests)
