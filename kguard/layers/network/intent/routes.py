# SPDX-License-Identifier: Apache-2.0
"""Which connections do Ingress, Gateway, route and published Service objects ask for?

Authority: networking/v1 types.go (Ingress), gateway-api apis/v1 and apis/v1alpha2 (HTTPRoute,
GRPCRoute, TLSRoute, TCPRoute, UDPRoute, parentRefs, requestMirror), istio/api networking/v1
(VirtualService: `mesh` is the default gateway), core/v1 types.go (Service type LoadBalancer and
NodePort).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kguard.inventory import Inventory
from kguard.inventory.mentions import Mention
from kguard.layers.network.intent.gateways import gateway_pods, ingress_controller
from kguard.layers.network.intent.model import Flow, Party, Target, anyone, flows, somewhere
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.outside import Outside
from kguard.layers.network.intent.targets import behind, targets
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_GATEWAY_API = "gateway.networking.k8s.io"
_ISTIO = "networking.istio.io"

_Backend = tuple[Party, str, int | str | None, Evidence]
"""Source, host name of the Service, port, and where it stands."""


def route_flows(names: Names, outside: Outside) -> Iterator[Flow]:
    """Connections from ingress controllers and gateways to the Services behind them."""
    for basis, manifest, backends in _objects(names.inventory):
        for source, host, port, place in backends:
            service = names.service(host, manifest.namespace)
            if service is not None:
                found = list(behind(names, service, port or 0))
            else:
                found = _farther(names, outside, host, port, manifest.namespace)
            # Hosts outside stay what they are: nobody knows their addresses.
            yield from flows(source, [_as(t, basis) for t in found], place)


def _as(target: Target, basis: Basis) -> Target:
    return target if target.basis == "outside" else msgspec.structs.replace(target, basis=basis)


def _farther(
    names: Names, outside: Outside, host: str, port: int | str | None, namespace: str
) -> list[Target]:
    """Backends that are no Services: Knative Services, hosts behind egress gateways."""
    mention = Mention(host, port if isinstance(port, int) else 0)
    entry = outside.entry(mention, namespace)
    return entry or [t for t in targets(names, mention, namespace) if t.party.kind != "pods"]


def published_flows(names: Names) -> Iterator[Flow]:
    """Connections from outside that LoadBalancer and NodePort Services ask for."""
    for service in names.services:
        if service.type not in ("LoadBalancer", "NodePort"):
            continue
        note = f"Service {service.manifest.name} is published as {service.type}"
        place = Evidence(service.manifest.id, "/spec/type", note)
        found = [_as(target, "published") for target in behind(names, service, 0)]
        yield from flows(anyone("clients outside the cluster"), found, place)


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
    note = f"Route {manifest.name} routes to it"
    others = enumerate(sequence(manifest.spec.get("alternateBackends")))
    backends = [("/spec/to", manifest.spec.get("to"))]
    backends += [(pointer("spec", "alternateBackends", n), value) for n, value in others]
    for place, value in backends:
        host = strings(value).get("name")
        if host:
            yield source, host, port, Evidence(manifest.id, place, note)


def _gateway_api(inventory: Inventory, manifest: Manifest) -> Iterator[_Backend]:
    sources = sorted(set(_parents(inventory, manifest)))
    note = f"{manifest.kind} {manifest.name} routes to it"
    for where, entry in _backend_refs(manifest):
        fields, words = mapping(entry), strings(entry)
        if words.get("kind", "Service") != "Service" or not words.get("name"):
            continue
        host = f"{words['name']}.{words.get('namespace', manifest.namespace)}"
        for source in sources:
            yield source, host, _port(fields.get("port")), Evidence(manifest.id, where, note)


def _backend_refs(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """The backends of every rule, those that only get a copy of the requests included."""
    for number, rule in enumerate(map(mapping, sequence(manifest.spec.get("rules")))):
        place = pointer("spec", "rules", number)
        for index, entry in enumerate(sequence(rule.get("backendRefs"))):
            yield place + pointer("backendRefs", index), entry
        for index, value in enumerate(sequence(rule.get("filters"))):
            mirror = mapping(mapping(value).get("requestMirror"))
            if mirror:
                where = pointer("filters", index, "requestMirror", "backendRef")
                yield place + where, mirror.get("backendRef")


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
    for place, value in _destinations(manifest):
        host = strings(value).get("host", "")
        port = _port(mapping(mapping(value).get("port")).get("number"))
        for source in sources if host else ():
            yield source, host, port, Evidence(manifest.id, place, note)


def _destinations(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    for protocol in ("http", "tls", "tcp"):
        for number, rule in enumerate(map(mapping, sequence(manifest.spec.get(protocol)))):
            place = pointer("spec", protocol, number)
            for index, entry in enumerate(sequence(rule.get("route"))):
                where = pointer("route", index, "destination")
                yield place + where, mapping(entry).get("destination")
            if rule.get("mirror"):
                yield f"{place}/mirror", rule["mirror"]


def _port(value: Any) -> int | str | None:
    return value if type(value) is int or (isinstance(value, str) and value) else None
