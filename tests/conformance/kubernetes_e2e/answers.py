# SPDX-License-Identifier: Apache-2.0
"""What do the end-to-end tests of Kubernetes expect of network policies, and what do we say?

``cases.yaml`` holds the 48 tests as data. A case here is one test under one profile: every probe
of every step, all of them in one text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import permutations
from pathlib import Path
from typing import Any

import yaml

from kguard.inventory import build
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText

Point = tuple[str, Any, Any]
Json = dict[str, Any]

FILE = Path(__file__).with_name("cases.yaml")
NAMED = (
    "generic",
    "antrea",
    "calico",
    "cilium",
    "kube-network-policies",
    "kube-router",
    "ovn-kubernetes",
)
"""The profiles that are asked; Canal reads policies as Calico does."""
_LABEL = "kubernetes.io/metadata.name"
_ADDRESS = re.compile(r"\{(\w+/\w+)\}")


def cases() -> list[Json]:
    """The tests in upstream's order."""
    found: list[Json] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def sequences() -> list[str]:
    """The tests that change policies or labels on the way."""
    return [case["title"] for case in cases() if len(case["steps"]) > 1]


def answers(profile: str) -> Iterator[Point]:
    """For each test the tables of all its probes: expected, and ours under a profile."""
    for case in cases():
        expected, ours = [], []
        world = World(case)
        for number, step in enumerate(case["steps"]):
            world.do(step)
            for probe in step["probes"]:
                head = f"step {number + 1}, {probe.get('protocol', 'TCP')} {probe['port']}"
                expected.append((head, _expected(case["pods"], probe)))
                ours.append((head, world.table(probe, profile)))
        yield case["title"], expected, ours


def _expected(pods: list[str], probe: Json) -> list[str]:
    return [f"{a} -> {b}: {_wanted(f'{a} -> {b}', probe)}" for a, b in permutations(pods, 2)]


def _wanted(pair: str, probe: Json) -> str:
    """Open unless a pattern closes the pair and none opens it again."""
    closed = any(fnmatchcase(pair, pattern) for pattern in probe.get("closed", ()))
    opened = any(fnmatchcase(pair, pattern) for pattern in probe.get("open", ()))
    return "closed" if closed and not opened else "open"


class World:
    """Namespaces, pods and policies of a test as its steps leave them."""

    def __init__(self, case: Json) -> None:
        self.protocols = case.get("protocols", ["TCP"])
        self.pods = {pod: {"pod": pod.partition("/")[2]} for pod in case["pods"]}
        self.addresses = {pod: f"10.1.0.{n + 1}" for n, pod in enumerate(case["pods"])}
        self.spaces = {name: {_LABEL: name} for name in "xyz"}
        self.policies: dict[str, Json] = {}

    def do(self, step: Json) -> None:
        """Apply, remove and label what a step says."""
        self.policies |= step.get("apply", {})
        for name in step.get("remove", ()):
            del self.policies[name]
        for name, labels in step.get("label", {}).items():
            (self.pods if "/" in name else self.spaces)[name].update(labels)

    def table(self, probe: Json, profile: str) -> list[str]:
        """What we say of each pair of pods, in the order of the expectation."""
        manifests = [Manifest(v, SourceText("", n, 1, "")) for n, v in enumerate(self._objects())]
        cluster = Cluster(build(Collected(manifests=manifests)), PROFILES[profile], whole=True)
        assert cluster.refused == []
        places = {f"{w.namespace}/{w.name}": n for n, w in enumerate(cluster.workloads)}
        port = cluster.reach.ports.of_port(probe.get("protocol", "TCP"), probe["port"])
        found = []
        for a, b in permutations(self.pods, 2):
            ports = cluster.reach.connection(places[a], places[b])
            word = "open" if ports.must & port else "depends" if ports.may & port else "closed"
            found.append(f"{a} -> {b}: {word}")
        return found

    def _objects(self) -> Iterator[Json]:
        for name, labels in self.spaces.items():
            yield _object("v1", "Namespace", name, labels=labels)
        container = {"name": "serve", "ports": list(self._ports())}
        for pod, labels in self.pods.items():
            status = {"podIP": self.addresses[pod]}
            pod_spec = {"containers": [container]}
            yield _object("v1", "Pod", pod, labels=labels, spec=pod_spec, status=status)
        for name, spec in self.policies.items():
            placed = self._placed(spec)
            yield _object("networking.k8s.io/v1", "NetworkPolicy", name, spec=placed)

    def _ports(self) -> Iterator[Json]:
        for protocol in self.protocols:
            for number in (80, 81):
                name = f"serve-{number}-{protocol.lower()}"
                yield {"name": name, "containerPort": number, "protocol": protocol}

    def _placed(self, value: Any) -> Any:
        """A policy with the addresses of the pods that it names as `{namespace/pod}`."""
        if isinstance(value, dict):
            return {key: self._placed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._placed(item) for item in value]
        if isinstance(value, str):
            return _ADDRESS.sub(lambda found: self.addresses[found[1]], value)
        return value


def _object(
    api: str, kind: str, name: str, labels: Mapping[str, str] | None = None, **rest: Json
) -> Json:
    namespace, _, own = name.rpartition("/")
    metadata: Json = {"name": own, "labels": dict(labels or {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}
