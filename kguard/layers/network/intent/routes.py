# SPDX-License-Identifier: Apache-2.0
"""Which connections do Ingress, Gateway, route and published Service objects ask for?

Authority: networking/v1 types.go (Ingress), gateway-api apis/v1 (HTTPRoute, GRPCRoute, parentRefs),
istio/api networking/v1 (VirtualService: `mesh` is the default gateway), core/v1 types.go (Service
type LoadBalancer and NodePort).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.network.intent.gateways import gateway_pods, ingress_controller
from kguard.layers.network.intent.model import Flow, Party, anyone, somewhere
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.settings import to_service
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_GATEWAY_API = "gateway.networking.k8s.io"
_ISTIO = "networking.istio.io"

_Backend = tuple[Party, str, int | str | None, Evidence]
"""Source, host name of the Service, port, and where it stands."""


def route_flows(
    inventory: Inventory, workloads: Sequence[Workload], names: Names
) -> Iterator[Flow]:
    """Connections from ingress controllers and gateways to the Services behind them."""
    for basis, manifest, backends in _objects(inventory):
        for source, host, port, place in backends:
            service = names.service(host, manifest.namespace)
            if service is None:
                continue
            for entry in service.port(port):
                for flow in to_service(source, service, entry.number, place, workloads):
                    yield msgspec.structs.replace(flow, basis=basis)


def published_flows(names: Names, workloads: Sequence[Workload]) -> Iterator[Flow]:
    """Connections from outside that LoadBalancer and NodePort Services ask for."""
    for service in names.services:
        if service.type not in ("LoadBalancer", "NodePort"):
            continue
        note = f"Service {service.manifest.name} is published as {service.type}"
        place = Evidence(service.manifest.id, "/spec/type", note)
        source = anyone("clients outside the cluster")
        for flow in to_service(source, service, 0, place, workloads):
            yield msgspec.structs.replace(flow, basis="published")


def _objects(
    inventory: Inventory,
) -> Iterator[tuple[Basis, Manifest, Iterator[_Backend]]]:
    for manifest in inventory.of("Ingress", "networking.k8s.io"):
        yield "ingress", manifest, _ingress(manifest)
    for manifest in inventory.of("Route", "route.openshift.io"):
        yield "ingress", manifest, _openshift(manifest)
    for kind in _ROUTES:
        for manifest in inventory.of(kind, _GATEWAY_API):
            yield "gateway", manifest, _gateway_api(inventory, manifest)
    for manifest in inventory.of("VirtualService", _ISTIO):
        yield "gateway", manifest, _virtual_service(inventory, manifest)


def _ingress(manifest: Manifest) -> Iterator[_Backend]:
    source = ingress_controller(manifest)
    note = f"Ingress {manifest.name} routes to it"
    places = [("/spec/defaultBackend", manifest.spec.get("defaultBackend"))]
    for number, rule in enumerate(sequence(manifest.spec.get("rules"))):
        paths = sequence(mapping(mapping(rule).get("http")).get("paths"))
        for index, path in enumerate(paths):
            place = pointer("spec", "rules", number, "http", "paths", index, "backend")
            places.append((place, mapping(path).get("backend")))
    for place, backend in places:
        service = mapping(mapping(backend).get("service"))
        port = mapping(service.get("port"))
        host = strings(service).get("name")
        if host:
            where = Evidence(manifest.id, f"{place}/service", note)
            yield source, host, _port(port.get("name") or port.get("number")), where


def _openshift(manifest: Manifest) -> Iterator[_Backend]:
    source = Party(
        "pods",
        "the OpenShift router",
        namespace="openshift-ingress",
        labels=(
            ("ingresscontroller.operator.openshift.io/deployment-ingresscontroller", "default"),
        ),
    )
    port = _port(mapping(manifest.spec.get("port")).get("targetPort"))
    host = strings(manifest.spec.get("to")).get("name")
    if host:
        note = f"Route {manifest.name} routes to it"
        yield source, host, port, Evidence(manifest.id, "/spec/to", note)


def _gateway_api(inventory: Inventory, manifest: Manifest) -> Iterator[_Backend]:
    sources = sorted(set(_parents(inventory, manifest)))
    note = f"{manifest.kind} {manifest.name} routes to it"
    for number, rule in enumerate(sequence(manifest.spec.get("rules"))):
        for index, entry in enumerate(sequence(mapping(rule).get("backendRefs"))):
            fields, words = mapping(entry), strings(entry)
            if words.get("kind", "Service") != "Service" or not words.get("name"):
                continue
            host = f"{words['name']}.{words.get('namespace', manifest.namespace)}"
            place = Evidence(
                manifest.id, pointer("spec", "rules", number, "backendRefs", index), note
            )
            for source in sources:
                yield source, host, _port(fields.get("port")), place


def _parents(inventory: Inventory, manifest: Manifest) -> Iterator[Party]:
    for entry in sequence(manifest.spec.get("parentRefs")):
        words = strings(entry)
        if words.get("kind", "Gateway") != "Gateway":
            continue
        namespace = words.get("namespace", manifest.namespace)
        gateway = inventory.find("Gateway", _GATEWAY_API, namespace, words.get("name", ""))
        if gateway is None:
            yield somewhere(f"gateway {words.get('name', '')}")
        else:
            yield gateway_pods(gateway)


def _virtual_service(inventory: Inventory, manifest: Manifest) -> Iterator[_Backend]:
    sources = []
    for name in sequence(manifest.spec.get("gateways")):
        if isinstance(name, str) and name != "mesh":
            namespace, _, short = name.rpartition("/")
            found = inventory.find("Gateway", _ISTIO, namespace or manifest.namespace, short)
            sources.append(gateway_pods(found) if found else somewhere(f"gateway {name}"))
    note = f"VirtualService {manifest.name} routes to it"
    for protocol in ("http", "tls", "tcp"):
        for number, rule in enumerate(sequence(manifest.spec.get(protocol))):
            for index, entry in enumerate(sequence(mapping(rule).get("route"))):
                destination = mapping(mapping(entry).get("destination"))
                host = strings(destination).get("host")
                place = pointer("spec", protocol, number, "route", index, "destination")
                port = _port(mapping(destination.get("port")).get("number"))
                for source in sources if host else ():
                    yield source, host or "", port, Evidence(manifest.id, place, note)


def _port(value: Any) -> int | str | None:
    return value if type(value) is int or (isinstance(value, str) and value) else None
