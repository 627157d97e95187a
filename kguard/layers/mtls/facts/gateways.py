# SPDX-License-Identifier: Apache-2.0
"""What do the mesh's gateways accept from their clients?

PeerAuthentication does not act on gateways; the servers of a Gateway do. Authority:
istio/istio pilot/pkg/networking/core/listener.go (`buildGatewayListeners`) and the `tls.mode`
values of networking/v1beta1/gateway.proto; listeners of the Gateway API: protocol and `tls.mode`.

A plaintext server to which only routes of ACME's HTTP-01 challenge lead is told apart: RFC 8555
(8.3) wants it so. A server is for the mesh alone if its hosts are names of the cluster, or if every
Service that leads to its port is a ClusterIP (Knative's local gateway is the example).
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator
from typing import Literal

from kguard.layers.mtls.facts.services import Service
from kguard.layers.mtls.facts.view import NETWORKING, View
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import GatewayServer
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_Accepts = Literal[
    "plaintext", "challenge", "redirect", "tls", "mutual", "mesh", "passthrough", "unknown"
]
_Audience = Literal["mesh", "outside", "unknown"]
_SERVICE_TYPE = "networking.istio.io/service-type"
_API_GROUP = "gateway.networking.k8s.io"
_TLS_MODES: dict[str, _Accepts] = {
    "SIMPLE": "tls",
    "OPTIONAL_MUTUAL": "tls",
    "MUTUAL": "mutual",
    "ISTIO_MUTUAL": "mesh",
    "PASSTHROUGH": "passthrough",
    "AUTO_PASSTHROUGH": "passthrough",
}
_CHALLENGE = "/.well-known/acme-challenge/"
_ENCRYPTED = ("HTTPS", "TLS")
_NOTES: dict[_Accepts, str] = {
    "plaintext": "plaintext is served on port {port}",
    "challenge": "port {port} serves ACME's challenges alone, which begin in plaintext",
    "redirect": "port {port} only redirects to HTTPS",
    "tls": "port {port} ends TLS; clients show no certificate",
    "mutual": "port {port} asks clients for a certificate",
    "mesh": "port {port} accepts mesh identities only",
    "passthrough": "port {port} passes TLS through",
    "unknown": "what port {port} accepts cannot be told",
}


def gateway_facts(view: View) -> list[GatewayServer]:
    """Every server of every gateway that Istio runs."""
    found = [
        _server(view, manifest, number, mapping(entry))
        for manifest in view.inventory.of("Gateway", NETWORKING)
        for number, entry in enumerate(sequence(manifest.spec.get("servers")))
    ]
    for manifest in view.inventory.of("Gateway", _API_GROUP):
        if str(manifest.spec.get("gatewayClassName", "")).startswith("istio"):
            found.extend(_listeners(manifest))
    return sorted(found, key=lambda server: (server.ref, server.port, server.server))


def _server(view: View, manifest: Manifest, number: int, server: JsonObject) -> GatewayServer:
    port, tls = mapping(server.get("port")), mapping(server.get("tls"))
    protocol = strings(port).get("protocol", "").upper()
    accepts: _Accepts = "plaintext"
    if tls.get("httpsRedirect") is True and not tls.get("mode"):
        accepts = "redirect"
    elif protocol in _ENCRYPTED or tls.get("mode"):
        accepts = _TLS_MODES.get(str(tls.get("mode", "PASSTHROUGH")), "unknown")
    elif protocol.startswith("HTTP") and _only_challenges(view, manifest):
        accepts = "challenge"
    place, name = pointer("spec", "servers", number), str(port.get("name", ""))
    fact = _fact(manifest, place, name, port.get("number"), protocol, accepts)
    fact.audience = _audience(view, manifest, server, fact.port)
    return fact


def _only_challenges(view: View, gateway: Manifest) -> bool:
    """Whether the routes that are bound to the gateway are about ACME's challenges alone."""
    bound = [m.spec for m in view.inventory.of("VirtualService", NETWORKING) if _binds(m, gateway)]
    entries = [mapping(entry) for spec in bound for entry in sequence(spec.get("http"))]
    streams = any(spec.get(family) for spec in bound for family in ("tcp", "tls"))
    return bool(entries) and not streams and all(map(_is_challenge, entries))


def _binds(manifest: Manifest, gateway: Manifest) -> bool:
    own = {f"{gateway.namespace}/{gateway.name}"}
    if manifest.namespace == gateway.namespace:
        own.add(gateway.name)
    named = sequence(manifest.spec.get("gateways"))
    return any(isinstance(name, str) and name in own for name in named)


def _is_challenge(entry: JsonObject) -> bool:
    paths = [strings(mapping(match).get("uri")) for match in sequence(entry.get("match"))]
    written = [path.get("prefix", path.get("exact", "")) for path in paths]
    return bool(written) and all(path.startswith(_CHALLENGE) for path in written)


def _audience(view: View, manifest: Manifest, server: JsonObject, port: int) -> _Audience:
    hosts = [str(host).rpartition("/")[2] for host in sequence(server.get("hosts"))]
    if hosts and all(host.endswith((f".svc.{view.domain}", ".local")) for host in hosts):
        return "mesh"
    wanted = strings(manifest.spec.get("selector")).items()
    leading = [s for s in view.services.values() if _leads(view, s, wanted, port)]
    if not leading:
        return "unknown"
    types = {strings(service.manifest.spec).get("type", "ClusterIP") for service in leading}
    return "mesh" if types == {"ClusterIP"} else "outside"


def _leads(view: View, service: Service, wanted: ItemsView[str, str], port: int) -> bool:
    """Whether a Service leads to a port of the gateway's pods, be they in the input or not."""
    chosen = service.selector.items()
    if not wanted or not (chosen <= wanted or wanted <= chosen):
        return False
    written = {p.target or p.number for p in service.ports}
    written |= {
        n for w in view.workloads_of(service) for p in service.ports for n in service.targets(p, w)
    }
    return port in written


def _listeners(manifest: Manifest) -> Iterator[GatewayServer]:
    for number, entry in enumerate(sequence(manifest.spec.get("listeners"))):
        listener = mapping(entry)
        protocol = strings(listener).get("protocol", "").upper()
        accepts: _Accepts = "plaintext"
        if protocol in _ENCRYPTED:
            mode = mapping(listener.get("tls")).get("mode", "Terminate")
            accepts = "passthrough" if mode == "Passthrough" else "tls"
        elif protocol == "HBONE":
            accepts = "mesh"
        place = pointer("spec", "listeners", number)
        name = str(listener.get("name", ""))
        fact = _fact(manifest, place, name, listener.get("port"), protocol, accepts)
        inner = manifest.annotations.get(_SERVICE_TYPE) == "ClusterIP"
        fact.audience = "mesh" if inner else "outside"
        yield fact


def _fact(
    manifest: Manifest, place: str, name: str, port: object, protocol: str, accepts: _Accepts
) -> GatewayServer:
    number = port if type(port) is int else 0
    note = _NOTES[accepts].format(port=number)
    return GatewayServer(
        ref=manifest.ref,
        server=name or str(number),
        port=number,
        protocol=protocol,
        accepts=accepts,
        audience="unknown",
        because=[Evidence(manifest.id, place, note)],
    )
