# SPDX-License-Identifier: Apache-2.0
"""Who is meant to call a workload, and does not show a mesh identity?

Intent comes from the input: configuration that names a Service, Ingresses and routes of the Gateway
API, Services that are open to the outside, probes that are not rewritten, what monitors have
Prometheus scrape. Callers with a sidecar are listed where it withholds
their identity: a DestinationRule, a DISABLE above the workload, a headless Service of which one
pod has no sidecar, automatic mutual TLS switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.inventory import monitors as prometheus
from kguard.inventory.knative import QUEUE_H2C, QUEUE_HTTP1, QUEUE_METRICS
from kguard.layers.mtls.facts.edges import group_of
from kguard.layers.mtls.facts.intended import Way
from kguard.layers.mtls.facts.services import Service
from kguard.layers.mtls.facts.view import View
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, ObjectRef, mapping, sequence

_Kind = Literal["workload", "ingress", "outside", "kubelet", "scrape"]
_Identity = Literal["none", "unknown", "withheld"]
_PROXIED = ("sidecar", "ambient")
_REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


class _Who(msgspec.Struct, frozen=True):
    """Who calls, and how that is known."""

    kind: _Kind
    ref: ObjectRef
    identity: _Identity
    because: tuple[Evidence, ...]


def caller_facts(
    view: View, facts: dict[str, model.Workload], intended: list[Way]
) -> list[model.Caller]:
    """Every intended call without mesh identity to a workload with a proxy.

    Args:
        view: the inventory.
        facts: the facts about workloads, by `Manifest.id`.
        intended: the calls that the configuration of workloads names.
    """
    found = [
        *_workloads(view, facts, intended),
        *_knative(view, facts),
        *_ingresses(view, facts),
        *_routes(view, facts),
        *_outside(view, facts),
        *_kubelet(view, facts),
        *_scraped(view, facts),
    ]
    unique = {(c.kind, c.ref, c.target, c.port): c for c in reversed(found)}
    return sorted(unique.values(), key=lambda c: (c.target, int(c.port), c.kind, c.ref))


def _workloads(
    view: View, facts: dict[str, model.Workload], intended: list[Way]
) -> Iterator[model.Caller]:
    """Calls that the configuration of workloads names."""
    for way in intended:
        call, fact = way.call, facts[way.call.client.id]
        if fact.plane in _PROXIED:
            yield from _withheld(way)
        elif fact.plane in ("none", "unknown"):
            who = _outsider(call.client, fact, call.because)
            yield from _calls(view, facts, who, call.service, call.port)


def _outsider(client: Workload, fact: model.Workload, because: Evidence) -> _Who:
    identity: _Identity = "none" if fact.plane == "none" else "unknown"
    return _Who("workload", client.ref, identity, (because, *fact.because))


def _withheld(way: Way) -> Iterator[model.Caller]:
    """Calls of a proxy that does not show its identity."""
    for edge in way.edges:
        if edge.sends in ("plaintext", "foreign_tls") and edge.plane in _PROXIED:
            yield model.Caller(
                kind="workload",
                ref=way.call.client.ref,
                target=edge.server,
                port=str(edge.port),
                identity="withheld",
                verdict=_VERDICTS[edge.verdict],
                because=[way.call.because, *edge.because],
            )


def _knative(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """Knative's gateways and its activator are in the path of requests, its autoscaler asks."""
    served = [w for w in view.inventory.workloads if w.knative == "serving"]
    activators = [w for w in view.inventory.workloads if (w.namespace, w.name) == _ACTIVATOR]
    for client in view.inventory.workloads:
        who = (client.namespace, client.name)
        ports = _KNATIVE_CALLS.get(who, ())
        if not ports or facts[client.id].plane not in ("none", "unknown"):
            continue
        for workload in [*served, *(activators if who in _KNATIVE_GATEWAYS else [])]:
            note = f"Knative's {client.name} calls the pods of {workload.name}"
            caller = _outsider(
                client, facts[client.id], Evidence(client.id, "/metadata/name", note)
            )
            for number in ports:
                if any(port.number == number for port in workload.ports):
                    yield _caller(caller, facts[workload.id], number)


_ACTIVATOR = ("knative-serving", "activator")
_KNATIVE_GATEWAYS = {
    ("kourier-system", "3scale-kourier-gateway"): (QUEUE_HTTP1, QUEUE_H2C),
    ("contour-external", "envoy"): (QUEUE_HTTP1, QUEUE_H2C),
    ("contour-internal", "envoy"): (QUEUE_HTTP1, QUEUE_H2C),
}
_KNATIVE_CALLS = {
    **_KNATIVE_GATEWAYS,
    _ACTIVATOR: (QUEUE_HTTP1, QUEUE_H2C),
    ("knative-serving", "autoscaler"): (QUEUE_METRICS,),
}


def _ingresses(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """Ingresses of controllers that are not Istio's own gateway."""
    for manifest in view.inventory.of("Ingress", "networking.k8s.io"):
        chosen = manifest.spec.get("ingressClassName")
        if "istio" in str(chosen or manifest.annotations.get("kubernetes.io/ingress.class", "")):
            continue
        for place, name, port in _backends(manifest):
            backend = view.services.get((manifest.namespace, name))
            if backend is None:
                continue
            number = next((p.number for p in backend.ports if port in (p.number, p.name)), 0)
            note = f"Ingress {manifest.name} leads to {name}; its controller may have no proxy"
            because = (Evidence(manifest.id, place, note),)
            who = _Who("ingress", manifest.ref, "unknown", because)
            yield from _calls(view, facts, who, backend, number)


_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_GATEWAY_API = "gateway.networking.k8s.io"


def _routes(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """Routes of gateways that are not Istio's, which may have no proxy of the mesh."""
    for kind in _ROUTES:
        for manifest in view.inventory.of(kind, _GATEWAY_API):
            if not _foreign_gateway(view, manifest):
                continue
            for place, namespace, name, port in _led(manifest):
                service = view.services.get((namespace or manifest.namespace, name))
                if service is not None:
                    note = f"{kind} {manifest.name} leads to {name}; its gateway may have no proxy"
                    who = _Who(
                        "ingress", manifest.ref, "unknown", (Evidence(manifest.id, place, note),)
                    )
                    yield from _calls(view, facts, who, service, port)


def _foreign_gateway(view: View, route: Manifest) -> bool:
    """Whether a route has a parent whose class is not known to be Istio's."""
    for parent in map(mapping, sequence(route.spec.get("parentRefs"))):
        if parent.get("kind", "Gateway") != "Gateway":
            continue
        place = str(parent.get("namespace") or route.namespace)
        found = view.inventory.find("Gateway", _GATEWAY_API, place, str(parent.get("name", "")))
        if found is None or not str(found.spec.get("gatewayClassName", "")).startswith("istio"):
            return True
    return False


def _led(route: Manifest) -> Iterator[tuple[str, str, str, int]]:
    """Place, namespace, name and port of the Services that a route leads to."""
    for number, rule in enumerate(sequence(route.spec.get("rules"))):
        for index, entry in enumerate(sequence(mapping(rule).get("backendRefs"))):
            backend = mapping(entry)
            port = backend.get("port")
            if backend.get("kind", "Service") == "Service" and type(port) is int:
                where = pointer("spec", "rules", number, "backendRefs", index)
                namespace, name = backend.get("namespace") or "", backend.get("name") or ""
                yield where, str(namespace), str(name), port


def _backends(manifest: Manifest) -> Iterator[tuple[str, str, int | str]]:
    default = mapping(mapping(manifest.spec.get("defaultBackend")).get("service"))
    entries = [("/spec/defaultBackend/service", default)] if default else []
    for number, rule in enumerate(sequence(manifest.spec.get("rules"))):
        for index, path in enumerate(sequence(mapping(mapping(rule).get("http")).get("paths"))):
            place = pointer("spec", "rules", number, "http", "paths", index, "backend", "service")
            entries.append((place, mapping(mapping(mapping(path).get("backend")).get("service"))))
    for place, backend in entries:
        port = mapping(backend.get("port"))
        wanted = port.get("number", port.get("name"))
        yield place, str(backend.get("name", "")), wanted if isinstance(wanted, int | str) else 0


def _outside(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """Services that lead clients from outside of the cluster straight to the pods."""
    for service in view.services.values():
        kind = service.manifest.spec.get("type")
        if kind not in ("LoadBalancer", "NodePort"):
            continue
        note = f"Service {service.manifest.name} of type {kind} admits clients without any proxy"
        because = (Evidence(service.manifest.id, "/spec/type", note),)
        who = _Who("outside", service.manifest.ref, "none", because)
        yield from _calls(view, facts, who, service, 0)


def _calls(
    view: View, facts: dict[str, model.Workload], who: _Who, service: Service, port: int
) -> Iterator[model.Caller]:
    """The calls through one Service; port 0 stands for all of its ports."""
    for workload in view.workloads_of(service):
        target = facts[workload.id]
        if target.plane in ("gateway", "waypoint") or workload.ref == who.ref:
            continue
        for entry in service.ports:
            if port in (0, entry.number) and entry.protocol == "TCP":
                for number in service.targets(entry, workload):
                    yield _caller(who, target, number)


def _kubelet(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """Probes of pods whose sidecar is told not to answer for them."""
    for workload in view.inventory.workloads:
        if workload.annotations.get(_REWRITE) != "false" or facts[workload.id].plane != "sidecar":
            continue
        where = workload.pod_metadata_pointer + pointer("annotations", _REWRITE)
        for number in _probed(workload):
            note = f"the kubelet probes port {number} itself: probes are not rewritten"
            who = _Who("kubelet", workload.ref, "none", (Evidence(workload.id, where, note),))
            yield _caller(who, facts[workload.id], number)


def _probed(workload: Workload) -> list[int]:
    names = {port.name: port.number for port in workload.ports if port.name}
    found = set()
    for container in workload.containers:
        for field in _PROBES:
            probe = mapping(container.raw.get(field))
            for way in ("httpGet", "tcpSocket", "grpc"):
                port = mapping(probe.get(way)).get("port")
                number = names.get(port) if isinstance(port, str) else port
                if isinstance(number, int):
                    found.add(number)
    return sorted(found)


def _scraped(view: View, facts: dict[str, model.Workload]) -> Iterator[model.Caller]:
    """What Prometheus fetches; without a certificate of the mesh if it has no proxy."""
    running = [facts[workload.id] for workload in prometheus.servers(view.inventory)]
    outside = bool(running) and all(fact.plane == "none" for fact in running)
    for monitor, entry, workload, number in _asked_for(view):
        identity: _Identity = "none" if outside and not entry.certificate else "unknown"
        who = _Who("scrape", monitor.manifest.ref, identity, (entry.place,))
        if facts[workload.id].plane in _PROXIED:
            yield _caller(who, facts[workload.id], number)


def _asked_for(
    view: View,
) -> Iterator[tuple[prometheus.Monitor, prometheus.Endpoint, Workload, int]]:
    """The ports that monitors name, of the workloads that they lead to."""
    for kind in ("ServiceMonitor", "PodMonitor"):
        for monitor in prometheus.monitors(view.inventory, kind):
            for workload, service in _led_to(view, monitor):
                for entry in monitor.endpoints:
                    for number in _named(entry, workload, service):
                        yield monitor, entry, workload, number


def _led_to(view: View, monitor: prometheus.Monitor) -> Iterator[tuple[Workload, Service | None]]:
    """The workloads that a monitor means, with the Service that it goes through."""
    if monitor.manifest.kind == "PodMonitor":
        for workload in view.inventory.workloads:
            if monitor.selects(workload.namespace, workload.labels):
                yield workload, None
        return
    for service in view.services.values():
        if monitor.selects(service.manifest.namespace, service.manifest.labels):
            yield from ((workload, service) for workload in view.workloads_of(service))


def _named(entry: prometheus.Endpoint, workload: Workload, service: Service | None) -> list[int]:
    """The ports of a workload that an endpoint of a monitor means."""
    if entry.of_service and service is not None:
        ports = [port for port in service.ports if port.name == entry.port]
        return [number for port in ports for number in service.targets(port, workload)]
    if isinstance(entry.port, int):
        return [entry.port] if entry.port else []
    return sorted({port.number for port in workload.ports if port.name == entry.port})


def _caller(who: _Who, target: model.Workload, number: int) -> model.Caller:
    group = group_of(target, str(number))
    verdict = _verdict(group.effective, who.identity)
    return model.Caller(
        kind=who.kind,
        ref=who.ref,
        target=target.ref,
        port=str(number),
        identity=who.identity,
        verdict=verdict,
        because=[*who.because, *(group.because if verdict != "works" else ())],
    )


_VERDICTS: dict[str, Literal["works", "refused", "unknown"]] = {
    "works": "works",
    "cut": "refused",
    "unknown": "unknown",
}


def _verdict(
    effective: model.Effective, identity: _Identity
) -> Literal["works", "refused", "unknown"]:
    if effective == "strict":
        return "unknown" if identity == "unknown" else "refused"
    return "unknown" if effective == "unknown" else "works"
