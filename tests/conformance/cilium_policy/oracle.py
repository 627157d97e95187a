# SPDX-License-Identifier: Apache-2.0
"""What does Cilium's own policy engine decide about random connections, and what do we say?

Connections from or to the other node are compared only where we are certain: which node is the
local one, manifests do not tell.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.inventory import build
from kguard.layers.network.semantics.addresses import AddressRange, address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText
from support.generators.cilium_policies import ADDRESSES, NODE, Json, oracle_question, questions

Point = tuple[str, Any, Any]

PER_SEED, ASKED = 250, 12
RECORDED_SEED, RECORDED = 3107, 400
FILE = Path(__file__).with_name("verdicts.ndjson.gz")
"""Answers of cilium/cilium v1.20.2, pkg/policy."""

_NODE_ADDRESS = "172.18.0.9"


def ask(oracle: Path, asked: list[Json]) -> list[Json]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(oracle_question(question)) + "\n" for question in asked)
    done = subprocess.run([oracle], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """Acceptance and verdicts of one seed."""
    asked = list(questions(seed, PER_SEED, ASKED))
    for number, (question, answer) in enumerate(zip(asked, ask(oracle, asked), strict=True)):
        yield from compared(f"{seed}.{number}", question, answer)


def record(oracle: Path) -> None:
    """Write the oracle's answers to the recorded seed, for runs without it."""
    answers = ask(oracle, list(questions(RECORDED_SEED, RECORDED, ASKED)))
    text = "".join(json.dumps(answer, separators=(",", ":")) + "\n" for answer in answers)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed(_: Path) -> Iterator[Point]:
    """The recorded slice."""
    lines = gzip.decompress(FILE.read_bytes()).splitlines()
    asked = questions(RECORDED_SEED, RECORDED, ASKED)
    for number, (question, line) in enumerate(zip(asked, lines, strict=True)):
        yield from compared(f"{RECORDED_SEED}.{number}", question, json.loads(line))


def compared(name: str, question: Json, answer: Json) -> Iterator[Point]:
    """Which policies are refused, then every connection."""
    world = _World(question)
    yield f"{name} refused", answer["refused"], world.refused
    for number, asked in enumerate(question["asked"]):
        recorded = answer["verdicts"][number]
        ours = [
            world.side("egress", asked[0], asked[1], asked),
            world.side("ingress", asked[1], asked[0], asked),
        ]
        if NODE in asked[:2]:
            ours = [r if o is None else o for o, r in zip(ours, recorded, strict=True)]
        yield f"{name}.{number}", recorded, ours


class _World:
    """A random cluster, ready for questions."""

    def __init__(self, question: Json) -> None:
        objects = [*_objects(question), *question["policies"]]
        found = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(objects)]
        self._marks = {text: _address(text) for text in (*ADDRESSES, _NODE_ADDRESS)}
        self._cluster = Cluster(
            build(Collected(manifests=found)),
            PROFILES["cilium"],
            whole=True,
            marks=list(self._marks.values()),
        )
        names = [workload.name for workload in self._cluster.workloads]
        self._pods = {pod["name"][1:]: names.index(pod["name"]) for pod in question["pods"]}
        refused = {policy.name for policy in self._cluster.refused}
        self.refused = [policy["metadata"]["name"] in refused for policy in question["policies"]]

    def side(self, direction: Direction, own: str, other: str, asked: list[str]) -> bool | None:
        """What one end of a connection says; True for an end that is no pod."""
        if own not in self._pods:
            return True
        reach = self._cluster.reach
        ports = reach.allowed(
            direction, reach.classes.of_endpoint[self._pods[own]], self._bit(direction, other)
        )
        atom = reach.ports.of_port(asked[2], int(asked[3]))
        if ports.must & atom:
            return True
        return None if ports.may & atom else False

    def _bit(self, direction: Direction, end: str) -> int:
        reach = self._cluster.reach
        if end in self._pods:
            return reach.classes.of_endpoint[self._pods[end]]
        text = _NODE_ADDRESS if end == NODE else end
        atoms = reach.addresses[direction].of_range(self._marks[text])
        return reach.classes.count + atoms.bit_length() - 1


def _objects(question: Json) -> Iterator[Json]:
    for name, labels in question["namespaces"].items():
        metadata = {"name": name, "labels": labels}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    settings = {"name": "cilium-config", "namespace": "kube-system"}
    data = {"enable-sctp": "true"}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings, "data": data}
    status = {"addresses": [{"type": "InternalIP", "address": _NODE_ADDRESS}]}
    yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "other"}, "status": status}
    for number, pod in enumerate(question["pods"]):
        metadata = {key: pod[key] for key in ("name", "namespace", "labels")}
        ports = [{"name": n, "protocol": p, "containerPort": c} for n, p, c in pod["ports"]]
        spec = {"serviceAccountName": pod["account"], "containers": [{"name": "c", "ports": ports}]}
        status = {"podIP": f"10.244.0.{number + 1}"}
        head = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        yield {**head, "spec": spec, "status": status}


def _address(text: str) -> AddressRange:
    found = address(text)
    assert found is not None
    return found


LONG = {"cilium policies": ("cilium_policy", points)}
SUITES = {"cilium policies": replayed}
