# SPDX-License-Identifier: Apache-2.0
"""What do the mesh's gateways accept from their clients?

PeerAuthentication does not act on gateways; the servers of a Gateway do. Authority:
istio/istio pilot/pkg/networking/core/listener.go (`buildGatewayListeners`) and the `tls.mode`
values of networking/v1beta1/gateway.proto; listeners of the Gateway API: protocol and `tls.mode`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.layers.mtls.facts.view import NETWORKING, View
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import GatewayServer
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_Accepts = Literal["plaintext", "redirect", "tls", "mutual", "mesh", "passthrough", "unknown"]
_API_GROUP = "gateway.networking.k8s.io"
_TLS_MODES: dict[str, _Accepts] = {
    "SIMPLE": "tls",
    "OPTIONAL_MUTUAL": "tls",
    "MUTUAL": "mutual",
    "ISTIO_MUTUAL": "mesh",
    "PASSTHROUGH": "passthrough",
    "AUTO_PASSTHROUGH": "passthrough",
}
_ENCRYPTED = ("HTTPS", "TLS")
_NOTES: dict[_Accepts, str] = {
    "plaintext": "plaintext is served on port {port}",
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
        _server(manifest, number, mapping(entry))
        for manifest in view.inventory.of("Gateway", NETWORKING)
        for number, entry in enumerate(sequence(manifest.spec.get("servers")))
    ]
    for manifest in view.inventory.of("Gateway", _API_GROUP):
        if str(manifest.spec.get("gatewayClassName", "")).startswith("istio"):
            found.extend(_listeners(manifest))
    return sorted(found, key=lambda server: (server.ref, server.port, server.server))


def _server(manifest: Manifest, number: int, server: JsonObject) -> GatewayServer:
    port, tls = mapping(server.get("port")), mapping(server.get("tls"))
    protocol = strings(port).get("protocol", "").upper()
    accepts: _Accepts = "plaintext"
    if tls.get("httpsRedirect") is True and not tls.get("mode"):
        accepts = "redirect"
    elif protocol in _ENCRYPTED or tls.get("mode"):
        accepts = _TLS_MODES.get(str(tls.get("mode", "PASSTHROUGH")), "unknown")
    place = pointer("spec", "servers", number)
    return _fact(manifest, place, str(port.get("name", "")), port.get("number"), protocol, accepts)


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
        yield _fact(manifest, place, name, listener.get("port"), protocol, accepts)


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
        because=[Evidence(manifest.id, place, note)],
    )
