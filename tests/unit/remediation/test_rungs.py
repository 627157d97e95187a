# SPDX-License-Identifier: Apache-2.0
"""Does a ladder get beyond its first rung, and does nothing else pass for one?"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kguard.engine import catalog
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected, ObjectRef
from kguard.remediation import plan
from kguard.remediation.proof import Proof
from kguard.remediation.prose import prose
from kguard.remediation.rungs import next_rung
from kguard.scan import Judged, Options, scan
from tests.unit.layers.mtls.inputs import AT, NAMESPACE, deployment, inventory
from tests.unit.remediation.test_proof_of_edges import running

OTHER = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: web}
"""
OUTSIDE = deployment("front").replace("namespace: shop", "namespace: web")
EXCLUDED = ', annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "8080"}'


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


def proof_of(engine: EmbeddedEngine, *texts: str, stage: Any = "enforce") -> Proof:
    options = Options(scope="cluster", at=AT, layers=("mtls",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    return plan.make(again(running(inventory(*texts))), again, plan.Wishes(stage=stage)).proof


def policies(entries: Any) -> set[str]:
    return {entry.policy.removeprefix("mtls/") for entry in entries}


def test_the_first_rung_leaves_the_next_one_with_its_reason(engine: EmbeddedEngine) -> None:
    proof = proof_of(engine, NAMESPACE, OTHER, deployment(), OUTSIDE, stage="observe")
    assert policies(proof.closes) == {"namespace-outside-mesh"}
    (left,) = proof.next_findings
    assert (left.policy, left.target) == ("mtls/accepts-plaintext", "Deployment web/front")
    assert left.reason == "no manifest can: the stage observe refuses no plaintext yet"
    assert proof.new_findings == ()
    assert proof.second_run_empty
    assert "- leaves 1 finding for the next rung: see below" in prose(proof)
    assert "## What comes next, and why not yet" in prose(proof)


def test_the_whole_ladder_in_one_run(engine: EmbeddedEngine) -> None:
    proof = proof_of(engine, NAMESPACE, OTHER, deployment(), OUTSIDE)
    assert {"namespace-outside-mesh", "accepts-plaintext"} <= policies(proof.closes)
    assert (proof.next_findings, proof.refused) == ((), ())
    assert proof.second_run_empty


def test_what_no_manifest_closes_is_the_next_rung_as_well(engine: EmbeddedEngine) -> None:
    outside = deployment("front", metadata=EXCLUDED).replace("namespace: shop", "namespace: web")
    proof = proof_of(engine, NAMESPACE, OTHER, deployment(), outside)
    assert policies(proof.next_findings) == {"uncaptured-port"}


def test_a_new_finding_that_follows_nothing_is_harm(engine: EmbeddedEngine) -> None:
    """In the mesh, clients would send plaintext to a port that refuses it."""
    disable = """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: default, namespace: web}
        spec: {mtls: {mode: DISABLE}}
    """
    strict = """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: front, namespace: web}
        spec: {selector: {matchLabels: {app: front}}, mtls: {mode: STRICT}}
    """
    proof = proof_of(engine, NAMESPACE, OTHER, deployment(), OUTSIDE, disable, strict)
    (refused,) = [entry for entry in proof.refused if "get a proxy" in entry.reason]
    assert "it would cause mtls/strict-under-disable" in refused.counterexample
    assert proof.next_findings == ()


def test_policies_follow_policies_that_exist_and_have_a_remedy() -> None:
    known = {policy.id: policy for policy in catalog.bundled()}
    followed = {name for policy in known.values() for name in policy.follows}
    assert followed
    assert all(known[name].remedy for name in followed)
    assert not any(known[name].follows for name in followed)


def _report(**found: ObjectRef) -> Any:
    """A report of one finding for each policy; `b` follows `a`."""
    follows = {"a": (), "b": ("a",), "c": ()}
    return SimpleNamespace(
        policies={name: SimpleNamespace(follows=names) for name, names in follows.items()},
        findings=[
            SimpleNamespace(policy=name, target=target, state="open", fingerprint=f"{name}{target}")
            for name, target in found.items()
        ],
    )


SHOP = ObjectRef("v1", "Namespace", "", "shop")
CART, REDIS = (ObjectRef("apps/v1", "Deployment", place, "cart") for place in ("shop", "shop-data"))


@pytest.mark.parametrize(
    ("before", "after", "rungs"),
    [
        ({"a": CART}, {"b": CART}, ["b"]),
        ({"a": SHOP}, {"b": CART}, ["b"]),
        ({"a": SHOP}, {"b": REDIS}, []),
        ({"a": CART}, {"b": SHOP}, []),
        ({"c": CART}, {"b": CART}, []),
        ({"a": CART}, {"c": CART}, []),
        ({"a": CART}, {"a": CART, "b": CART}, []),
        ({"a": CART, "b": CART}, {"b": CART}, []),
    ],
)
def test_what_takes_the_place_of_what(before: Any, after: Any, rungs: list[str]) -> None:
    assert [f.policy for f in next_rung(_report(**before), _report(**after))] == rungs
