# SPDX-License-Identifier: Apache-2.0
"""Which workloads of Istio's reachability test reach one another under our rules?

The workloads are those of Istio's test as far as they matter here: one with a sidecar, one behind
a headless Service, a StatefulSet, one without a sidecar, and one of which a part has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kguard.inventory import build
from kguard.layers.mtls.facts.edges import Edge, Edges, edges_of
from kguard.layers.mtls.facts.view import View
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText
from tests.conformance.istio.snapshots import Point

Json = dict[str, Any]
_ROOT, _APPS = "istio-system", "echo1"
_REQUEST = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
_PORTS = {"http": 18080, "https": 18443, "tcp": 19090}
_CALLER = "caller"


def reachability(configurations: list[Json]) -> Iterator[Point]:
    """(id, Istio's outcome, ours) for each pair and port of each configuration."""
    for configuration in configurations:
        edges = edges_of(View(_inventory(configuration), _REQUEST))
        for pair, expected in configuration["outcomes"].items():
            for port in _PORTS:
                ours = _outcome(_edge(edges, pair, port))
                yield f"{configuration['name']}: {pair} {port}", expected, ours


def _edge(edges: Edges, pair: str, port: str) -> Edge:
    source, _, target = pair.partition(" > ")
    service, _, subset = target.partition("/")
    workloads = {workload.name: workload for workload in edges.view.inventory.workloads}
    client = workloads[source if source == "naked" else _CALLER]
    server = workloads[f"{service}-{subset}" if subset else service]
    found = edges.view.services[_APPS, service]
    number = next(entry for entry in found.ports if entry.name == port)
    (edge,) = edges.through(client, found, number, server, subset)
    return edge


def _outcome(edge: Edge) -> str:
    if edge.verdict != "works":
        return edge.verdict
    return "mtls" if edge.sends == "mtls" else "plaintext"


def _inventory(configuration: Json) -> Any:
    objects = [
        _object("v1", "Namespace", _APPS, "", {}),
        *(_workload(name, name) for name in (_CALLER, "sidecar", "headless", "statefulset")),
        _workload("naked", "naked", sidecar=False),
        _workload("migration-vistio", "migration", version="vistio"),
        _workload("migration-vlegacy", "migration", sidecar=False, version="vlegacy"),
        *(_service(name) for name in _SERVICES),
        *_policies(configuration.get("peerAuthentication")),
        *_rules(configuration.get("destinationRule")),
    ]
    objects[0]["metadata"]["labels"] = {"istio-injection": "enabled"}
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    return build(Collected(manifests=manifests))


_SERVICES = ("sidecar", "headless", "statefulset", "naked", "migration")
_HEADLESS = ("headless", "statefulset")


def _object(version: str, kind: str, name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _workload(name: str, app: str, *, sidecar: bool = True, version: str = "v1") -> Json:
    labels = {"app": app, "version": version}
    annotations = {} if sidecar else {"sidecar.istio.io/inject": "false"}
    ports = [{"name": key, "containerPort": number} for key, number in _PORTS.items()]
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "echo", "ports": ports}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return _object("apps/v1", "Deployment", name, _APPS, spec)


def _service(name: str) -> Json:
    ports = [{"name": key, "port": n - 18000, "targetPort": n} for key, n in _PORTS.items()]
    spec: Json = {"selector": {"app": name}, "ports": ports}
    if name in _HEADLESS:
        spec["clusterIP"] = "None"
    return _object("v1", "Service", name, _APPS, spec)


def _policies(written: Json | None) -> Iterator[Json]:
    if written is None:
        return
    mtls: Json = {"mtls": {"mode": written["mode"]}}
    if written["where"] == "each":
        for name in _SERVICES:
            spec = {"selector": {"matchLabels": {"app": name}}, **mtls}
            if "ports" in written:
                modes = {"mode": written["ports"]}
                spec["portLevelMtls"] = {str(number): modes for number in _PORTS.values()}
            yield _object("security.istio.io/v1", "PeerAuthentication", name, _APPS, spec)
        return
    place = _ROOT if written["where"] == "mesh" else _APPS
    yield _object("security.istio.io/v1", "PeerAuthentication", "default", place, mtls)


def _rules(written: Json | None) -> Iterator[Json]:
    if written is None:
        return
    policy: Json = {"tls": {"mode": written["tls"]}} if "tls" in written else {}
    if "balancer" in written:
        policy["loadBalancer"] = {"simple": written["balancer"]}
    where = written["where"]
    if where == "mesh":
        yield _rule("default", _ROOT, {"host": "*", "trafficPolicy": policy})
    for name in _SERVICES if where == "each" else ():
        yield _rule(name, _APPS, {"host": _host(name), "trafficPolicy": policy})
    if where == "migration":
        spec: Json = {"host": _host(where)}
        versions = ("vistio", "vlegacy")
        spec["subsets"] = [{"name": v, "labels": {"version": v}} for v in versions]
        if policy:
            spec["trafficPolicy"] = policy
            for subset in spec["subsets"]:
                subset["trafficPolicy"] = policy
        yield _rule(where, _APPS, spec)


def _host(name: str) -> str:
    return f"{name}.{_APPS}.svc.cluster.local"


def _rule(name: str, namespace: str, spec: Json) -> Json:
    return _object("networking.istio.io/v1", "DestinationRule", name, namespace, spec)
