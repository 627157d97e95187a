# SPDX-License-Identifier: Apache-2.0
"""Does a connection get through, and does the server learn who calls?

Two questions: what goes over the wire (`carried`), and what the server does with it (`outcome`).
Authority: istio/istio pilot/pkg/xds/endpoints/endpoint_builder.go (`buildEnvoyLbEndpoint`: a
sidecar tunnels to endpoints that take HBONE and no mutual TLS), pilot/pkg/networking/core/
cluster_tls.go (`applyHBONETransportSocketMatches`), filterchain_options.go (what a sidecar's
listener accepts in each mode); istio/ztunnel src/state/workload.rs (ztunnel tunnels or sends
plaintext, never the sidecars' mutual TLS), src/proxy/inbound_passthrough.rs (what arrives outside
of a tunnel has no identity).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.layers.mtls.semantics.upstream import Sends

Wire = Literal["plaintext", "foreign_tls", "mtls", "hbone", "unknown"]
"""`mtls`: the sidecars' own; `hbone`: mutual TLS of the mesh around a tunnel, to port 15008."""
Verdict = Literal["works", "cut", "unknown"]
Identity = Literal["proven", "none", "unknown"]

TUNNEL_LABEL = "networking.istio.io/tunnel"
_PROXIES = ("sidecar", "gateway", "waypoint")
_WIRE: dict[Sends, Wire] = {
    "plaintext": "plaintext",
    "simple": "foreign_tls",
    "mutual": "foreign_tls",
    "istio_mutual": "mtls",
}


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of a connection."""

    verdict: Verdict
    identity: Identity
    """Whether the server learns who calls: `proven`, or `none`."""
    why: str


def carried(client: str, asked: Sends | None, *, tunnel: bool | None, speaks_mtls: bool) -> Wire:
    """What goes over the wire.

    Args:
        client: the plane of the client's pods.
        asked: what the client's sidecar is told to send; None where it is told nothing.
        tunnel: whether the server takes HBONE; None where that is not known.
        speaks_mtls: whether the server's pods say that they speak the sidecars' mutual TLS.
    """
    if client == "none":
        return "plaintext"
    if client == "ambient":
        return "unknown" if tunnel is None else "hbone" if tunnel else "plaintext"
    if client not in _PROXIES or asked is None:
        return "unknown"
    if tunnel and not speaks_mtls:
        return "hbone"
    return _WIRE[asked]


def outcome(wire: Wire, plane: str, effective: str, *, http: bool = False) -> Outcome:
    """What the server does with a connection.

    Args:
        wire: what arrives.
        plane: of the server's pods.
        effective: what the port really does (`Ports.effective` of the facts).
        http: whether the port is declared to speak HTTP, so that a sidecar reads what it gets.
    """
    if wire == "hbone":
        return _tunnelled(plane)
    if effective in _OPEN_PORTS:
        return _without_proxy(wire)
    if plane in ("gateway", "unknown") or effective in ("gateway", "unknown"):
        return Outcome("unknown", "unknown", "what the server accepts is not known")
    if http and wire == "foreign_tls" and plane == "sidecar" and effective in _READ:
        return Outcome("cut", "none", "the sidecar reads HTTP here, and cannot read this TLS")
    if effective == "user_tls":
        return _USER_TLS[wire]
    table = _AMBIENT if plane in ("ambient", "waypoint") else _SIDECAR
    return table.get((effective, wire), _MAYBE)


def _tunnelled(plane: str) -> Outcome:
    if plane in ("ambient", "waypoint", "sidecar"):
        return Outcome("works", "proven", "the tunnel proves who calls")
    if plane == "none":
        return Outcome("cut", "none", "nothing listens for the tunnel")
    return Outcome("unknown", "unknown", "whether the server takes the tunnel is not known")


_READ = ("permissive", "disable")
_OPEN_PORTS = ("not_enrolled", "uncaptured")


def _without_proxy(wire: Wire) -> Outcome:
    """The application itself gets what is sent."""
    if wire == "mtls":
        return Outcome("cut", "none", "no proxy ends the mutual TLS")
    if wire == "unknown":
        return Outcome("unknown", "none", "what the client sends is not known")
    return Outcome("works", "none", "the application gets what is sent")


_UNKNOWN_CLIENT = "what the client sends is not known"
_REFUSED = Outcome("cut", "none", "STRICT refuses whoever shows no certificate of the mesh")
_PASSED_ON = Outcome("works", "none", "the proxy takes it and does not know who calls")
_NOBODY_ENDS = Outcome("cut", "none", "mutual TLS reaches the application, which cannot read it")
_PROVEN = Outcome("works", "proven", "the proxy ends mutual TLS and knows who calls")
_MAYBE = Outcome("unknown", "unknown", _UNKNOWN_CLIENT)
_SOMEHOW = Outcome("works", "unknown", "the proxy takes whatever is sent")

_SIDECAR: dict[tuple[str, Wire], Outcome] = {
    ("strict", "mtls"): _PROVEN,
    ("strict", "plaintext"): _REFUSED,
    ("strict", "foreign_tls"): _REFUSED,
    ("strict", "unknown"): _MAYBE,
    ("permissive", "mtls"): _PROVEN,
    ("permissive", "plaintext"): _PASSED_ON,
    ("permissive", "foreign_tls"): _PASSED_ON,
    ("permissive", "unknown"): _SOMEHOW,
    ("disable", "mtls"): _NOBODY_ENDS,
    ("disable", "plaintext"): _PASSED_ON,
    ("disable", "foreign_tls"): _PASSED_ON,
    ("disable", "unknown"): _MAYBE,
}
_AMBIENT: dict[tuple[str, Wire], Outcome] = {
    ("strict", "mtls"): _REFUSED,
    ("strict", "plaintext"): _REFUSED,
    ("strict", "foreign_tls"): _REFUSED,
    ("strict", "unknown"): _MAYBE,
    ("permissive", "mtls"): _NOBODY_ENDS,
    ("permissive", "plaintext"): _PASSED_ON,
    ("permissive", "foreign_tls"): _PASSED_ON,
    ("permissive", "unknown"): _MAYBE,
}
_USER_TLS: dict[Wire, Outcome] = {
    "plaintext": Outcome("cut", "none", "the sidecar ends TLS of its own here"),
    "foreign_tls": Outcome("works", "none", "the sidecar ends TLS of its own here"),
    "mtls": Outcome("unknown", "none", "TLS of its own ends here, the client's names another"),
    "unknown": Outcome("unknown", "none", _UNKNOWN_CLIENT),
}
