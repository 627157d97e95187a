# SPDX-License-Identifier: Apache-2.0
"""What does Calico's own policy code decide about random connections, and what do we say?

Rules that hold for some requests or some source ports only leave our answer open; there nothing is
compared, and a test counts how seldom that is.
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
from kguard.model.manifests import Collected, Manifest, SourceText, mapping
from support.generators.calico_policies import ADDRESSES, Json, oracle_question, questions

Point = tuple[str, Any, Any]

PER_SEED, ASKED = 250, 12
RECORDED_SEED, RECORDED = 1108, 400
FILE = Path(__file__).with_name("verdicts.ndjson.gz")
"""Answers of projectcalico/calico a0db560f0520, felix/calc and felix/rules."""


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
    """Which policies are refused, then both sides of every connection."""
    world = World(question)
    yield f"{name} refused", sorted(answer["refused"]), world.refused
    for number, asked in enumerate(question["asked"]):
        recorded = answer["verdicts"][number]
        ours = world.verdict(asked)
        ours = [r if o is None else o for o, r in zip(ours, recorded, strict=True)]
        yield f"{name}.{number}", recorded, ours


class World:
    """A random cluster, ready for questions."""

    def __init__(self, question: Json) -> None:
        objects = question["objects"]
        found = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(objects)]
        pods = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Pod"}
        texts = [*ADDRESSES, *(pod["status"]["podIP"] for pod in pods.values())]
        self._marks = {text: _address(text) for text in texts}
        self._cluster = Cluster(
            build(Collected(manifests=found)),
            PROFILES["calico"],
            whole=True,
            marks=list(self._marks.values()),
        )
        self._pods = {
            pods[workload.name]["status"]["podIP"]: index
            for index, workload in enumerate(self._cluster.workloads)
            if not mapping(pods[workload.name]["spec"]).get("hostNetwork")
        }
        self.refused = sorted(policy.name for policy in self._cluster.refused)

    def verdict(self, asked: list[str]) -> list[bool | None]:
        """What both ends say; None where that is open, True for an end that is no pod."""
        return [
            self._side("egress", asked[0], asked[1], asked),
            self._side("ingress", asked[1], asked[0], asked),
        ]

    def _side(self, direction: Direction, own: str, other: str, asked: list[str]) -> bool | None:
        if own not in self._pods:
            return True
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[self._pods[own]]
        ports = reach.allowed(direction, number, self._bit(direction, other))
        atom = reach.ports.of_port(asked[2], int(asked[3]))
        if ports.must & atom:
            return True
        return None if ports.may & atom else False

    def _bit(self, direction: Direction, end: str) -> int:
        reach = self._cluster.reach
        if end in self._pods:
            return reach.classes.of_endpoint[self._pods[end]]
        atoms = reach.addresses[direction].of_range(self._marks[end])
        return reach.classes.count + atoms.bit_length() - 1


def _address(text: str) -> AddressRange:
    found = address(text)
    assert found is not None
    return found


LONG = {"calico policies": ("calico_policy", points)}
SUITES = {"calico policies": replayed}
