# SPDX-License-Identifier: Apache-2.0
"""Which connections does a sidecar's listener accept?

Authority: istio/istio pilot/pkg/networking/core/filterchain_options.go (the filter chains of each
mode), listener_inbound.go, pkg/config/kube/conversion.go `ConvertProtocol` (what a Service's port
says about its bytes); held against Istio's own simulation of Envoy's filter chain match
(pilot/pkg/simulation).
"""

from __future__ import annotations

from typing import Literal

from kguard.layers.mtls.semantics.peerauth import Mode

Protocol = Literal["http", "tcp", "sniffed"]
"""What the proxy takes the bytes of a port for; `sniffed`: it looks at them first."""

_HTTP = ("http", "http2", "grpc", "http_proxy")
_TCP = ("tcp", "udp", "https", "tls", "mongo", "redis", "mysql")
_KUBERNETES: dict[str, Protocol] = {
    "kubernetes.io/h2c": "http",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "tcp",
}
_SERVER_FIRST = (25, 53, 3306, 27017)
"""Ports whose servers speak first, so that nothing can be sniffed."""


def protocol_of(port: int, name: str, application: str = "") -> Protocol:
    """What a port of a Service says about its bytes: by `appProtocol`, else by its name."""
    if application in _KUBERNETES:
        return _KUBERNETES[application]
    text = (application or name).lower()
    if text.startswith("grpc-web") or text.partition("-")[0] in _HTTP:
        return "http"
    known = text.partition("-")[0] in _TCP or port in _SERVER_FIRST
    return "tcp" if known else "sniffed"


def accepts(
    mode: Mode,
    protocol: Protocol | None,
    sent: Literal["plaintext", "mtls", "tls"],
    inside: Literal["http", "tcp"],
) -> bool:
    """Whether a connection reaches the application behind a sidecar.

    Args:
        mode: of the port.
        protocol: what a Service says of the port; None where no Service leads there: such bytes
            are passed on unread.
        sent: plaintext, the mutual TLS of the mesh, or TLS of the client's own.
        inside: what it carries.
    """
    if sent != "mtls" and mode == "strict":
        return False
    if protocol != "http":
        return True
    # HTTP is parsed: TLS that nobody ends here is no HTTP, and neither is anything else
    ends_tls = sent == "mtls" and mode != "disable"
    return inside == "http" and (sent == "plaintext" or ends_tls)
