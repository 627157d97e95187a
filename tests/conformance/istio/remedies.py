# SPDX-License-Identifier: Apache-2.0
"""Does Istio's own simulation of listeners see what a remedy claims, before it and after it?

Random clusters (`tests/properties/mesh_remedies.py`) are mended; of both states istiod is asked
which calls every port of every pod with a sidecar lets through. Policies from files get one time,
later than those that have one, as if they were applied together.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kguard.engine.embedded import EmbeddedEngine
from kguard.inventory import Workload
from kguard.layers.mtls.facts.edges import group_of
from kguard.layers.mtls.semantics import inbound
from kguard.model.facts.mtls import Facts
from kguard.model.manifests import Manifest
from kguard.scan import Judged
from tests.conformance.istio.listeners import CALLS, protocol_at
from tests.properties.mesh_remedies import mended

Json = dict[str, Any]
Point = tuple[str, Any, Any]
Ask = Callable[[Path, list[Json]], list[Json]]
CLUSTERS_PER_SEED = 5
"""A hundred seeds are the 500 clusters on which remedies are tried."""
RECORDED = Path(__file__).with_name("istiod-1.31-remedies.ndjson.gz")
RECORDED_SEEDS = range(20)
PORTS = (8080, 8443, 9090, 65001)
_APPLIED = "2026-12-01T00:00:00Z"
_KINDS = {
    "Namespace": "",
    "Service": "",
    "PeerAuthentication": "security.istio.io",
    "DestinationRule": "networking.istio.io",
}
_MODES: dict[str, Any] = {"strict": "strict", "permissive": "permissive", "disable": "disable"}


def around(oracle: Path, seed: int, ask: Ask) -> Iterator[Point]:
    """Every port of every pod with a sidecar, before the remedies and after them."""
    states = dict(_states(seed))
    questions = [_question(name, state) for name, state in states.items()]
    for state, question, answer in zip(
        states.values(), questions, ask(oracle, questions), strict=True
    ):
        yield from _compare(state, question, answer)


def record(oracle: Path, ask: Ask) -> None:
    """Write the questions about the first clusters with the oracle's answers."""
    states = [pair for seed in RECORDED_SEEDS for pair in _states(seed)]
    questions = [_question(name, state) for name, state in states]
    rows = zip(questions, ask(oracle, questions), strict=True)
    text = "".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows)
    RECORDED.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed() -> Iterator[Point]:
    """The recorded answers; what is another cluster or remedy by now has to be asked again."""
    rows = [json.loads(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]
    recorded = {row["question"]["id"]: row for row in rows}
    for seed in RECORDED_SEEDS:
        for name, state in _states(seed):
            question = json.loads(json.dumps(_question(name, state)))
            row = recorded.get(name)
            if row is None or row["question"] != question:
                yield name, "the question that was recorded", "another question"
            else:
                yield from _compare(state, question, row["answer"])


def _states(seed: int) -> Iterator[tuple[str, Judged]]:
    """The clusters of a seed that have a sidecar at all, each before and after its remedies."""
    engine = EmbeddedEngine()
    try:
        for number in range(seed * CLUSTERS_PER_SEED, (seed + 1) * CLUSTERS_PER_SEED):
            made = mended(number, engine)
            if _with_sidecar(made.before):
                yield f"{number}-before", made.before
                yield f"{number}-after", made.after
    finally:
        engine.close()


def _question(name: str, state: Judged) -> Json:
    pods = [_pod(number, workload) for number, workload in enumerate(_with_sidecar(state))]
    objects = [_stored(m) for m in state.inventory if _KINDS.get(m.kind) == m.group]
    return {
        "id": name,
        "meshConfig": {"rootNamespace": "istio-system"},
        "revision": "default",
        "objects": [*objects, *pods],
        "ask": {"accepts": {_name(pod["metadata"]): list(PORTS) for pod in pods}},
    }


def _with_sidecar(state: Judged) -> list[Workload]:
    facts: Facts = state.facts["mtls"]
    planes = {fact.ref.id: fact.plane for fact in facts.workloads}
    return [w for w in state.inventory.workloads if planes[w.id] == "sidecar"]


def _pod(number: int, workload: Workload) -> Json:
    address = f"10.1.0.{number + 10}"
    ports = [{"containerPort": p.number, "protocol": p.protocol} for p in workload.ports]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": workload.name,
            "namespace": workload.namespace,
            "labels": {"security.istio.io/tlsMode": "istio", **workload.labels},
        },
        "spec": {"containers": [{"name": "main", "image": "example.test/app:1", "ports": ports}]},
        "status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _stored(manifest: Manifest) -> Json:
    """An object as the API server keeps it: with an age, and Services with an address.

    Annotations are left out: they say nothing about listeners, and reasons may be worded anew.
    """
    metadata = {key: field for key, field in manifest.metadata.items() if key != "annotations"}
    value = {**manifest.object, "metadata": metadata}
    value["metadata"].setdefault("creationTimestamp", _APPLIED)
    if manifest.kind == "Service":
        number = sum(map(ord, f"{manifest.namespace}/{manifest.name}")) % 200
        value["spec"] = {"clusterIP": f"10.96.{number}.{len(manifest.name)}", **manifest.spec}
    return value


def _compare(state: Judged, question: Json, answer: Json) -> Iterator[Point]:
    facts: Facts = state.facts["mtls"]
    pods = {_name(pod["metadata"]): pod for pod in question["objects"] if pod["kind"] == "Pod"}
    for fact in facts.workloads:
        name = f"{fact.ref.namespace}/{fact.ref.name}"
        for port, recorded in answer.get("accepts", {}).get(name, {}).items():
            mode = _MODES.get(group_of(fact, port).effective)
            if mode is None:
                continue
            protocol = protocol_at(question["objects"], pods[name], int(port))
            ours = {call: inbound.accepts(mode, protocol, *kind) for call, kind in CALLS.items()}
            passed = {call: not recorded[call].startswith("error") for call in CALLS}
            yield f"{question['id']}:{fact.ref}:{port}", passed, ours


def _name(metadata: Json) -> str:
    return f"{metadata['namespace']}/{metadata['name']}"
