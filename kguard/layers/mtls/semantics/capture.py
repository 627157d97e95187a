# SPDX-License-Identifier: Apache-2.0
"""Does the proxy see a connection to this port at all?

What it does not see it cannot refuse, whatever PeerAuthentication says. Authority: istio/istio
cni/pkg/plugin/sidecar_redirect.go and the injection template (ports that are never captured),
pilot/pkg/networking/core/listener_inbound.go (interception mode NONE), cni/pkg/nodeagent/net.go
(ambient's bypass). Only TCP is captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

PROXY_PORTS = frozenset({15020, 15021, 15090})
"""Ports of the sidecar itself: health and metrics, plaintext by design."""

EXCLUDE = "traffic.sidecar.istio.io/excludeInboundPorts"
INCLUDE = "traffic.sidecar.istio.io/includeInboundPorts"
MODE = "sidecar.istio.io/interceptionMode"
BYPASS = "ambient.istio.io/bypass-inbound-capture"

Gap = Literal[
    "none", "protocol", "proxy_port", "excluded", "not_included", "interception", "bypass"
]


def gap(plane: str, annotations: Mapping[str, str], port: int | None, protocol: str) -> Gap:
    """Why the proxy does not see connections to the port; `none` where it does.

    Args:
        plane: `sidecar` or `ambient`.
        annotations: of the pods.
        port: its number; None for every port that nothing names.
        protocol: TCP, UDP or SCTP.
    """
    if protocol != "TCP":
        return "protocol"
    if plane == "ambient":
        return "bypass" if annotations.get(BYPASS) == "true" else "none"
    if port in PROXY_PORTS:
        return "proxy_port"
    if annotations.get(MODE) == "NONE":
        return "interception"
    return _by_annotation(annotations, port)


def _by_annotation(annotations: Mapping[str, str], port: int | None) -> Gap:
    include = annotations.get(INCLUDE, "*")
    if include.strip() != "*":
        return "none" if port in ports(include) else "not_included"
    return "excluded" if port in ports(annotations.get(EXCLUDE, "")) else "none"


def annotation_of(found: Gap) -> str:
    """The annotation that makes the gap; empty where none does."""
    return {
        "excluded": EXCLUDE,
        "not_included": INCLUDE,
        "interception": MODE,
        "bypass": BYPASS,
    }.get(found, "")


def ports(text: str) -> frozenset[int]:
    """The numbers of a comma-separated list; what is no port is left out."""
    words = (word.strip() for word in text.split(","))
    return frozenset(
        int(w) for w in words if w.isascii() and w.isdecimal() and len(w) <= len("65535")
    )
