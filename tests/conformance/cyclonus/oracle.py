# SPDX-License-Identifier: Apache-2.0
"""What do the test cases of cyclonus expect, and what do we say?

The cases are those that mattfenwick/cyclonus v0.5.6 generates (13 of them are upstream's end-to-end
tests, tag `upstream-e2e`), each step with the connectivity that its own matcher computes. It
matches the addresses of pods with an ipBlock, as kube-network-policies does. Loopback is left out:
the API does not define it.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.inventory import build
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText

Point = tuple[str, Any, Any]
Json = dict[str, Any]

FILE = Path(__file__).with_name("cases.ndjson.gz")


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """Every step of every case, asked anew; the cases do not depend on the seed."""
    del seed
    done = subprocess.run([oracle], input=b"", capture_output=True, check=True)
    yield from map(compared, map(json.loads, done.stdout.splitlines()))


def replayed(_: Path) -> Iterator[Point]:
    """The recorded steps."""
    yield from map(compared, steps())


def steps() -> list[Json]:
    """The steps as they were recorded."""
    return list(map(json.loads, gzip.decompress(FILE.read_bytes()).splitlines()))


def compared(step: Json) -> Point:
    """The connectivity of one step, pods in order: recorded and ours."""
    size = range(len(step["pods"]))
    pairs = [(source, target) for source in size for target in size]
    recorded = [row for (a, b), row in zip(pairs, step["allowed"], strict=True) if a != b]
    return f"{step['case']}, step {step['step']}", recorded, _ours(step)


def _ours(step: Json) -> list[str]:
    manifests = [
        Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(_objects(step))
    ]
    profile = PROFILES["kube-network-policies"]
    cluster = Cluster(build(Collected(manifests=manifests)), profile, whole=True)
    assert cluster.refused == []
    places = {(w.namespace, w.name): n for n, w in enumerate(cluster.workloads)}
    order = [places[pod["namespace"], pod["name"]] for pod in step["pods"]]
    ports = [(port["protocol"], port["number"]) for port in step["ports"]]
    return [_row(cluster, a, b, ports) for a in order for b in order if a != b]


def _row(cluster: Cluster, source: int, target: int, ports: list[tuple[str, int]]) -> str:
    found = cluster.reach.connection(source, target)
    atoms = [cluster.reach.ports.of_port(*port) for port in ports]
    return "".join("1" if found.must & a else "?" if found.may & a else "0" for a in atoms)


def _objects(step: Json) -> Iterator[Json]:
    for name, labels in step["namespaces"].items():
        yield _object("v1", "Namespace", {"name": name, "labels": labels})
    declared = [
        {"name": p["name"], "containerPort": p["number"], "protocol": p["protocol"]}
        for p in step["ports"]
    ]
    for pod in step["pods"]:
        metadata = {key: pod[key] for key in ("namespace", "name", "labels")}
        spec = {"containers": [{"name": "c", "ports": declared}]}
        yield _object("v1", "Pod", metadata, spec=spec, status={"podIP": pod["ip"]})
    for policy in step["policies"] or ():
        metadata = {key: policy[key] for key in ("namespace", "name")}
        api = "networking.k8s.io/v1"
        yield _object(api, "NetworkPolicy", metadata, spec=policy["spec"])


def _object(api: str, kind: str, metadata: Json, **rest: Json) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


LONG = {"cyclonus cases": ("cyclonus", points)}
SUITES = {"cyclonus cases": replayed}
