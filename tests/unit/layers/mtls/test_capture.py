# SPDX-License-Identifier: Apache-2.0
"""Which connections does the proxy see, coming in and going out?"""

from __future__ import annotations

import pytest

from kguard.layers.mtls.semantics.capture import gap, passes_by, ports

_IN, _OUT = "traffic.sidecar.istio.io/{}InboundPorts", "traffic.sidecar.istio.io/{}Outbound{}"
EXCLUDE_IN, INCLUDE_IN = _IN.format("exclude"), _IN.format("include")
NONE = {"sidecar.istio.io/interceptionMode": "NONE"}
BYPASS = {"ambient.istio.io/bypass-inbound-capture": "true"}


@pytest.mark.parametrize(
    ("plane", "annotations", "port", "protocol", "expected"),
    [
        ("sidecar", {}, 8080, "TCP", "none"),
        ("sidecar", {}, None, "TCP", "none"),
        ("sidecar", {}, 8080, "UDP", "protocol"),
        ("ambient", {}, 8080, "SCTP", "protocol"),
        ("ambient", {}, 15020, "TCP", "none"),
        ("sidecar", {}, 15020, "TCP", "proxy_port"),
        ("sidecar", {}, 15021, "TCP", "proxy_port"),
        ("sidecar", {}, 15090, "TCP", "proxy_port"),
        ("sidecar", {EXCLUDE_IN: "9090, 8080"}, 8080, "TCP", "excluded"),
        ("sidecar", {EXCLUDE_IN: "9090"}, 8080, "TCP", "none"),
        ("sidecar", {INCLUDE_IN: "9090"}, 8080, "TCP", "not_included"),
        ("sidecar", {INCLUDE_IN: "9090,8080"}, 8080, "TCP", "none"),
        ("sidecar", {INCLUDE_IN: ""}, None, "TCP", "not_included"),
        ("sidecar", {INCLUDE_IN: " * ", EXCLUDE_IN: "8080"}, 8080, "TCP", "excluded"),
        ("sidecar", {INCLUDE_IN: "8080", EXCLUDE_IN: "8080"}, 8080, "TCP", "none"),
        ("sidecar", NONE, 8080, "TCP", "interception"),
        ("sidecar", BYPASS, 8080, "TCP", "none"),
        ("ambient", BYPASS, 8080, "TCP", "bypass"),
        ("ambient", {"ambient.istio.io/bypass-inbound-capture": "false"}, 1, "TCP", "none"),
        ("ambient", {EXCLUDE_IN: "8080"}, 8080, "TCP", "none"),
    ],
)
def test_inbound(
    plane: str, annotations: dict[str, str], port: int | None, protocol: str, expected: str
) -> None:
    assert gap(plane, annotations, port, protocol) == expected


PORTS_OUT = _OUT.format("exclude", "Ports")
RANGES_OUT = _OUT.format("exclude", "IPRanges")
PORTS_IN = _OUT.format("include", "Ports")
RANGES_IN = _OUT.format("include", "IPRanges")


@pytest.mark.parametrize(
    ("annotations", "address", "expected"),
    [
        ({}, "10.0.0.1", ""),
        ({PORTS_OUT: "443,80"}, "10.0.0.1", PORTS_OUT),
        ({PORTS_OUT: "443"}, "10.0.0.1", ""),
        ({RANGES_OUT: "10.0.0.0/8"}, "10.0.0.1", RANGES_OUT),
        ({RANGES_OUT: "192.168.0.0/16"}, "10.0.0.1", ""),
        ({RANGES_OUT: "10.0.0.0/8"}, "", ""),
        ({RANGES_OUT: "0.0.0.0/0"}, "", RANGES_OUT),
        ({RANGES_OUT: "junk,10.0.0.1"}, "10.0.0.1", RANGES_OUT),
        ({RANGES_IN: "10.0.0.0/8"}, "10.0.0.1", ""),
        ({RANGES_IN: "192.168.0.0/16"}, "10.0.0.1", RANGES_IN),
        ({RANGES_IN: ""}, "10.0.0.1", RANGES_IN),
        ({RANGES_IN: "", PORTS_IN: "80"}, "10.0.0.1", ""),
        ({RANGES_IN: "", PORTS_IN: "*"}, "10.0.0.1", ""),
        (NONE, "10.0.0.1", next(iter(NONE))),
    ],
)
def test_outbound(annotations: dict[str, str], address: str, expected: str) -> None:
    assert passes_by(annotations, 80, address) == expected


def test_ports_leave_junk_out() -> None:
    assert ports("80, x,,-1,\u0663,443,999999") == {80, 443}
