# SPDX-License-Identifier: Apache-2.0
"""Which connections did cluster-topology-analyzer find intended, and do we find them, too?

Its synthesised policies are compared by effect: what they let one workload open of another.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kguard import sources
from kguard.inventory import Inventory, build
from kguard.layers.network.intent import Names, intended
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import GENERIC
from kguard.model.manifests import Collected, Manifest, SourceText

Point = tuple[str, Any, Any]
Connection = tuple[str, str, int]
FOLDER = "cluster-topology"
SUITE = "cluster-topology intended connections"
SKIPS = {SUITE: tomllib.loads(Path(__file__).with_name("skips.toml").read_text())}


def applications(folder: Path) -> Iterator[Point]:
    """For each application the connections that the tool admits, and those of them that we find."""
    for app in sorted(path for path in folder.iterdir() if path.is_dir()):
        ours = _ours(build(_manifests(app)))
        admitted = _admitted(app, {(target, port) for _, target, port in ours})
        yield app.name, sorted(admitted), sorted(admitted & ours)


SUITES = {SUITE: applications}


def _manifests(app: Path) -> Collected:
    files = [str(path) for path in sorted(app.glob("*.yaml")) if "expected_" not in path.name]
    return sources.collect(files, sources.Options(render="never"))


def synthesised(app: Path) -> list[Manifest]:
    """The policies that the tool makes for an application; none where nothing is recorded."""
    path = app / "expected_netpol_output.json"
    text = path if path.exists() else path.with_suffix(".yaml")
    if not text.exists():
        return []
    read = json.loads if text.suffix == ".json" else yaml.safe_load
    items = read(text.read_text())["items"]
    return [Manifest(item, SourceText(text.name, n, 1, "")) for n, item in enumerate(items)]


def _ours(inventory: Inventory) -> set[Connection]:
    return {
        (flow.source.name, flow.target.name, flow.port)
        for flow in intended(Names(inventory))
        if flow.source.kind == flow.target.kind == "workload"
    }


def _admitted(app: Path, served: set[tuple[str, int]]) -> set[Connection]:
    collected = _manifests(app)
    collected.manifests += synthesised(app)
    cluster = Cluster(build(collected), GENERIC)
    reach = cluster.reach
    found: set[Connection] = set()
    for target, called in enumerate(cluster.workloads):
        declared = {(called.name, port.number) for port in called.ports}
        numbers = {n for name, n in declared | served if name == called.name}
        for source, caller in enumerate(cluster.workloads):
            ports = reach.connection(source, target).must if source != target else 0
            admitted = {n for n in numbers if ports & reach.ports.of_port("TCP", n)}
            found |= {(caller.name, called.name, n) for n in admitted}
    return found
