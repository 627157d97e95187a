# SPDX-License-Identifier: Apache-2.0
"""What does istiod's own code answer for meshes that nobody has written, and what do we?

The oracle is `support/oracles/istio`, built on the module `istio.io/istio` at the version in its
go.mod (release line 1.31); the meshes come from `support/generators/mesh.py`.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from kguard.layers.mtls.semantics import peerauth
from kguard.layers.mtls.semantics.sidecar import SidecarIndex, parse_sidecar
from kguard.layers.mtls.semantics.visibility import exported_by, seen
from support.generators import mesh
from tests.conformance.istio import remedies
from tests.conformance.istio.clients import clusters, targets
from tests.conformance.istio.listeners import listeners
from tests.conformance.istio.snapshots import Point, policies_of, root_of

Json = dict[str, Any]
SERVERS_PER_SEED = 10
CLIENTS_PER_SEED = 8
IMPORTS_PER_SEED = 5
LISTENERS_PER_SEED = 5


def ask(oracle: Path, questions: list[Json]) -> list[Json]:
    """The answers of istiod, one for each question. Raises ``ValueError`` where it fails."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([oracle], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers: list[Json] = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        if "error" in answer:
            raise ValueError(f"{answer['id']}: {answer['error']}")
    return answers


def servers(question: Json, answer: Json) -> Iterator[Point]:
    """The mode of each port of each pod that was asked about: one point each."""
    index = peerauth.index(policies_of(question), root_of(question), question["revision"])
    for name, asked in question["ask"]["modes"].items():
        chain = index.chain(asked["namespace"], asked["labels"])
        for port in asked["ports"]:
            ours = peerauth.port_decision(chain, port).mode.upper()
            yield f"{question['id']}:{name}:{port}", answer["modes"][name][str(port)], ours


def senders(question: Json, answer: Json) -> Iterator[Point]:
    """Every cluster of every client: the rules in force, the socket and its endpoints."""
    recorded = [
        {**asked, "clusters": found}
        for asked, found in zip(question["ask"]["clients"], answer["clients"], strict=True)
    ]
    index = peerauth.index(policies_of(question), root_of(question), question["revision"])
    yield from clusters({**question, "clients": recorded}, index)


def acceptors(question: Json, answer: Json) -> Iterator[Point]:
    """Every call to every port: what Istio's simulation of the listener does with it."""
    yield from listeners({**question, "accepts": answer["accepts"]})


def importers(question: Json, answer: Json) -> Iterator[Point]:
    """Which ports of which services the proxies of each client know."""
    found = [entry for entry in question["objects"] if entry["kind"] == "Sidecar"]
    index = SidecarIndex(
        (parse_sidecar(entry["metadata"]["namespace"], entry) for entry in found),
        root_of(question),
        question["revision"],
    )
    hidden = _hidden(question)
    known = [(host, port, target.namespace) for (host, port), target in targets(question)]
    pairs = zip(question["ask"]["clients"], answer["clients"], strict=True)
    for number, (client, clusters_found) in enumerate(pairs):
        recorded = {(cluster["service"], cluster["port"]) for cluster in clusters_found.values()}
        sidecar = index.of(client["namespace"], client["labels"])
        for host, port, place in known:
            ours = sidecar is None or sidecar.knows(client["namespace"], place, host, port)
            ours &= seen(hidden.get(host, "*"), place, client["namespace"])
            yield f"{question['id']}:{number}:{host}:{port}", (host, port) in recorded, ours


def _hidden(question: Json) -> dict[str, Collection[str]]:
    """The namespaces to which each Service is exported, by host."""
    default = question["meshConfig"].get("defaultServiceExportTo", ["*"])
    return {
        f"{entry['metadata']['name']}.{entry['metadata']['namespace']}.svc.cluster.local": (
            exported_by(entry["metadata"].get("annotations", {})) or default
        )
        for entry in question["objects"]
        if entry["kind"] == "Service"
    }


def _run(
    kind: str,
    count: int,
    generate: Callable[[str], Json],
    compare: Callable[[Json, Json], Iterator[Point]],
) -> Callable[[Path, int], Iterator[Point]]:
    def points(oracle: Path, seed: int) -> Iterator[Point]:
        questions = [generate(f"{kind}-{seed}-{number}") for number in range(count)]
        for question, answer in zip(questions, ask(oracle, questions), strict=True):
            yield from compare(question, answer)

    return points


RECORDED = Path(__file__).with_name("istiod-1.31.ndjson.gz")
RECORDED_SEED = 2611
ONCE_WRONG = ("client-45-0",)
"""Meshes of which kguard once said something else than istiod."""
_KINDS: dict[str, tuple[int, Callable[[str], Json], Callable[[Json, Json], Iterator[Point]]]] = {
    "server": (12, mesh.server, servers),
    "client": (50, mesh.client, senders),
    "inbound": (20, mesh.inbound, acceptors),
    "imports": (20, mesh.imports, importers),
    "ingress": (10, mesh.ingress, acceptors),
    "exports": (20, mesh.exports, importers),
}


def record(oracle: Path) -> None:
    """Write questions with the oracle's answers, for runs without it."""
    asked = [
        generate(f"{kind}-{RECORDED_SEED}-{number}")
        for kind, (count, generate, _) in _KINDS.items()
        for number in range(count)
    ]
    asked += [_KINDS[name.partition("-")[0]][1](name) for name in ONCE_WRONG]
    rows = zip(asked, ask(oracle, asked), strict=True)
    text = "".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows)
    RECORDED.write_bytes(gzip.compress(text.encode(), mtime=0))
    remedies.record(oracle, ask)


def replayed(kind: str) -> Iterator[Point]:
    """The recorded slice of one kind of question."""
    for line in gzip.decompress(RECORDED.read_bytes()).splitlines():
        row = json.loads(line)
        if row["question"]["id"].startswith(kind):
            yield from _KINDS[kind][2](row["question"], row["answer"])


SUITES: dict[str, Callable[[Path], Iterator[Point]]] = {
    "istiod 1.31 server side": lambda _: replayed("server"),
    "istiod 1.31 client side": lambda _: replayed("client"),
    "istiod 1.31 listeners": lambda _: replayed("inbound"),
    "istiod 1.31 imports": lambda _: replayed("imports"),
    "istiod 1.31 Sidecar ingress": lambda _: replayed("ingress"),
    "istiod 1.31 exports": lambda _: replayed("exports"),
    "istiod 1.31 listeners around remedies": lambda _: remedies.replayed(),
}

LONG = {
    "istio server side": ("istio", _run("server", SERVERS_PER_SEED, mesh.server, servers)),
    "istio client side": ("istio", _run("client", CLIENTS_PER_SEED, mesh.client, senders)),
    "istio listeners around remedies": (
        "istio",
        lambda path, seed: remedies.around(path, seed, ask),
    ),
    "istio listeners": ("istio", _run("inbound", LISTENERS_PER_SEED, mesh.inbound, acceptors)),
    "istio imports": ("istio", _run("imports", IMPORTS_PER_SEED, mesh.imports, importers)),
    "istio exports": ("istio", _run("exports", IMPORTS_PER_SEED, mesh.exports, importers)),
    "istio Sidecar ingress": (
        "istio",
        _run("ingress", LISTENERS_PER_SEED, mesh.ingress, acceptors),
    ),
}
