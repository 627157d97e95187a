# SPDX-License-Identifier: Apache-2.0
"""Do remedies keep their promises on random clusters that are not compliant?

`KGUARD_RANDOM_CLUSTERS` sets how many are tried; `make conformance-full` tries 500. Whether an
intended edge is cut is asked of the model of edges itself, not of the comparison that the proof
uses.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from kguard.engine import catalog
from kguard.engine.embedded import EmbeddedEngine
from kguard.inventory import Inventory
from kguard.layers.mtls.facts.edges import edges_of
from kguard.layers.mtls.facts.intended import edges_for, intended_calls
from kguard.layers.mtls.facts.view import View
from kguard.model.findings import Policy
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.remediation import plan
from kguard.remediation.proof import Proof
from kguard.scan import Judged, Options, scan
from kguard.sources.yaml import Document, load
from kguard.sources.yaml.emit import emit
from tests.cases.runner import AT
from tests.properties.mesh_clusters import Object, cluster

COUNT = int(os.environ.get("KGUARD_RANDOM_CLUSTERS", "12"))


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


@pytest.mark.parametrize("seed", range(COUNT))
def test_remedies_close_or_refuse_and_do_no_harm(seed: int, engine: EmbeddedEngine) -> None:
    rng = random.Random(seed)
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
    _does_no_harm(made.proof)
    _answers_for_everything(made.proof)
    worked, works = (_working(state.inventory, options) for state in (before, made.after))
    assert worked - works == set()


def _does_no_harm(proof: Proof) -> None:
    assert (proof.weakens, proof.cuts, proof.opens, proof.new_findings) == ((), (), (), ())
    assert proof.second_run_empty


def _answers_for_everything(proof: Proof) -> None:
    """What is left open was refused, or no manifest closes it; and the reason is given."""
    answered = {f for entry in (*proof.refused, *proof.cannot) for f in entry.findings}
    policies = {policy.id: policy for policy in catalog.bundled()}
    left = [entry for entry in proof.remaining if _has_remedy(policies[entry.policy])]
    assert [entry.message for entry in left if entry.fingerprint not in answered] == []
    assert all(entry.counterexample for entry in proof.refused)


def _has_remedy(policy: Policy) -> bool:
    return bool(policy.remedy)


def _working(inventory: Inventory, options: Options) -> set[tuple[str, str, int, str]]:
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
