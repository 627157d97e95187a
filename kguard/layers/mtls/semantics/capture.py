# SPDX-License-Identifier: Apache-2.0
"""Does the proxy see a connection to this port at all?

What it does not see it cannot refuse, whatever PeerAuthentication says. Authority: istio/istio
cni/pkg/plugin/sidecar_redirect.go and the injection template (ports that are never captured),
pilot/pkg/networking/core/listener_inbound.go (interception mode NONE), cni/pkg/nodeagent/net.go
(ambient's bypass), tools/istio-iptables/pkg/capture/run.go (what leaves a pod past its sidecar).
Only TCP is captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
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
    if not annotations:
        return "none"
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
    if not text:
        return frozenset()
    words = (word.strip() for word in text.split(","))
    return frozenset(
        int(w) for w in words if w.isascii() and w.isdecimal() and len(w) <= len("65535")
    )


EXCLUDE_OUT = "traffic.sidecar.istio.io/excludeOutboundPorts"
EXCLUDE_OUT_RANGES = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
INCLUDE_OUT = "traffic.sidecar.istio.io/includeOutboundPorts"
INCLUDE_OUT_RANGES = "traffic.sidecar.istio.io/includeOutboundIPRanges"


def passes_by(annotations: Mapping[str, str], port: int, address: str) -> str:
    """The annotation that lets a connection leave the pod past its sidecar; empty if none does.

    Args:
        annotations: of the client's pods.
        port: that the client dials: a Service's port, or a pod's.
        address: that it dials; empty where it is not known, ranges then count only as a whole.
    """
    if annotations.get(MODE) == "NONE":
        return MODE
    if port in ports(annotations.get(EXCLUDE_OUT, "")):
        return EXCLUDE_OUT
    if _in_ranges(annotations.get(EXCLUDE_OUT_RANGES, ""), address):
        return EXCLUDE_OUT_RANGES
    wanted = annotations.get(INCLUDE_OUT_RANGES, "*")
    everything = wanted.strip() == "*" or (not address and wanted.strip())
    if everything or _in_ranges(wanted, address) or port in _included(annotations):
        return ""
    return INCLUDE_OUT_RANGES


def _included(annotations: Mapping[str, str]) -> frozenset[int]:
    text = annotations.get(INCLUDE_OUT, "")
    return frozenset(range(1, _LAST_PORT + 1)) if text.strip() == "*" else ports(text)


_LAST_PORT = 65535


def _in_ranges(text: str, address: str) -> bool:
    for word in text.split(","):
        try:
            network = ip_network(word.strip(), strict=False)
            inside = ip_address(address) in network if address else network.prefixlen == 0
        except ValueError:
            continue
        if inside:
            return True
    return False
