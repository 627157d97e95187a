# SPDX-License-Identifier: Apache-2.0
"""How fast are the facts about mutual TLS of a large mesh, without any reading of files?

``python -m support.bench.mesh WORKLOADS POLICIES RULES`` computes the facts, then asks for some
edges, and prints a line for both: wall time, budget and processor time, in seconds.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kguard.inventory import build
from kguard.layers.mtls import LAYER
from kguard.layers.mtls.facts.edges import edges_of
from kguard.layers.mtls.facts.view import View
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

Json = dict[str, Any]
WORKLOADS_PER_NAMESPACE = 50
EDGES = 1000
FACTS_SECONDS = 2.0
_MODES = ("STRICT", "PERMISSIVE", "STRICT", "UNSET")
_TLS = ("ISTIO_MUTUAL", "DISABLE", "ISTIO_MUTUAL", "SIMPLE")
_CREATED = "2026-01-01T00:00:00Z"


def main(arguments: Sequence[str]) -> int:
    """Print two durations; the exit code is 0."""
    workloads, policies, rules = map(int, arguments)
    objects = _objects(workloads, policies, rules)
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    inventory = build(Collected(manifests=manifests))
    request = Request(scope="cluster", at=datetime(2026, 11, 23, tzinfo=UTC))
    gc.disable()
    title = f"mtls: {workloads:,} workloads, {policies:,} policies"
    with _measured(title, FACTS_SECONDS):
        LAYER.facts(inventory, request)
    edges = edges_of(View(inventory, request))
    known = inventory.workloads
    with _measured(f"mtls: {EDGES:,} edges", 0):
        for number in range(EDGES):
            client, server = known[number * 7 % len(known)], known[number * 13 % len(known)]
            list(edges.between(client, server))
    return 0


@contextmanager
def _measured(title: str, budget: float) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    allowed = f"{budget:6g}{'!' if wall > budget else ' '}" if budget else f"{'-':>7}"
    print(f"{title:38} {wall:7.2f} {allowed} {processor:7.2f}", flush=True)


def _objects(workloads: int, policies: int, rules: int) -> Iterator[Json]:
    names = [f"team-{number}" for number in range(max(1, workloads // WORKLOADS_PER_NAMESPACE))]
    for name in names:
        plane = "istio.io/dataplane-mode" if name.endswith("7") else "istio-injection"
        value = "ambient" if name.endswith("7") else "enabled"
        yield _object("v1", "Namespace", name, "", {}, {plane: value})
    for number in range(workloads):
        yield from _workload(f"app-{number}", names[number % len(names)], number)
    for number in range(policies):
        yield _policy(number, workloads, names)
    for number in range(rules):
        app = number * 7 % workloads
        namespace = names[app % len(names)]
        tls = {"mode": _TLS[number % len(_TLS)]}
        spec = {"host": f"app-{app}", "trafficPolicy": {"tls": tls}}
        yield _object(
            "networking.istio.io/v1", "DestinationRule", f"rule-{number}", namespace, spec
        )


def _object(
    version: str, kind: str, name: str, namespace: str, spec: Json, labels: Json | None = None
) -> Json:
    metadata: Json = {"name": name, "creationTimestamp": _CREATED}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _workload(name: str, namespace: str, number: int) -> Iterator[Json]:
    labels = {"app": name, "tier": f"t{number % 5}"}
    ports = [{"containerPort": 8080}, {"containerPort": 9090, "name": "metrics"}]
    calls = [{"name": "NEXT_HOST", "value": f"app-{number + 1}:80"}]
    container = {"name": "main", "image": "example.test/app:1", "ports": ports, "env": calls}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": name}}
    spec: Json = {"selector": selector, "template": template}
    yield _object("apps/v1", "Deployment", name, namespace, spec)
    listed = [{"port": 80, "targetPort": 8080}, {"port": 9090, "targetPort": "metrics"}]
    spec = {"selector": {"app": name}, "ports": listed}
    yield _object("v1", "Service", name, namespace, spec)


def _policy(number: int, workloads: int, names: Sequence[str]) -> Json:
    app = number * 13 % workloads
    namespace = names[app % len(names)]
    spec: Json = {"mtls": {"mode": _MODES[number % len(_MODES)]}}
    if number >= len(names):
        spec["selector"] = {"matchLabels": {"app": f"app-{app}"}}
        if number % 2:
            spec["portLevelMtls"] = {"9090": {"mode": "PERMISSIVE"}}
    name = f"policy-{number}"
    return _object("security.istio.io/v1", "PeerAuthentication", name, namespace, spec)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
