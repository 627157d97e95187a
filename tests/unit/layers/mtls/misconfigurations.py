# SPDX-License-Identifier: Apache-2.0
"""Clusters that look protected and are not, each with the name of its one fault."""

from __future__ import annotations

from tests.unit.layers.mtls.inputs import NAMESPACE, STRICT, deployment

AMBIENT = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
"""
SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: cart, namespace: shop}
    spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
"""
SELECTOR = "selector: {matchLabels: {app: cart}}"


def policy(namespace: str, spec: str, name: str = "default", created: str = "") -> str:
    age = f', creationTimestamp: "{created}"' if created else ""
    return f"""
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: {name}, namespace: {namespace}{age}}}
    spec: {{{spec}}}
"""


def mode(value: str) -> str:
    return f"mtls: {{mode: {value}}}"


RULE = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: cart, namespace: shop}
    spec: {host: cart, trafficPolicy: {tls: {mode: DISABLE}}}
"""
CART = deployment(ports="8080 8443")
F1 = f"{SELECTOR}, {mode('PERMISSIVE')}, portLevelMtls: {{8443: {{mode: STRICT}}}}"
F2 = f"{SELECTOR}, portLevelMtls: {{8443: {{mode: PERMISSIVE}}}}"
EXEMPTION = f"{SELECTOR}, {mode('STRICT')}, portLevelMtls: {{8443: {{mode: DISABLE}}}}"
EXCLUDED = ', annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "8080"}'

MISCONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "nothing wrong: STRICT for the mesh": (NAMESPACE, STRICT, CART),
    "no policy at all": (NAMESPACE, CART),
    "selector in the root namespace": (
        *(NAMESPACE, CART),
        policy("istio-system", f"{SELECTOR}, {mode('STRICT')}"),
    ),
    "port exemption": (NAMESPACE, STRICT, CART, policy("shop", EXEMPTION)),
    "duplicate: the older one says nothing": (
        *(NAMESPACE, CART),
        policy("shop", mode("UNSET"), "old", "2026-01-01T00:00:00Z"),
        policy("shop", mode("STRICT"), "new", "2026-02-01T00:00:00Z"),
    ),
    "mesh-wide policy is UNSET": (NAMESPACE, CART, policy("istio-system", mode("UNSET"))),
    "DestinationRule says DISABLE": (NAMESPACE, STRICT, CART, SERVICE, RULE),
    "hostNetwork": (NAMESPACE, STRICT, deployment(pod="hostNetwork: true")),
    "excluded port": (NAMESPACE, STRICT, deployment(metadata=EXCLUDED)),
    "F1: STRICT port of a PERMISSIVE workload, in ambient": (
        *(AMBIENT, STRICT, CART),
        policy("shop", F1),
    ),
    "F2: exempted port under an UNSET namespace, in ambient": (
        *(AMBIENT, STRICT, CART),
        policy("shop", mode("UNSET")),
        policy("shop", F2, "cart"),
    ),
    "H1: STRICT workload under DISABLE": (
        *(NAMESPACE, CART),
        policy("shop", mode("DISABLE")),
        policy("shop", f"{SELECTOR}, {mode('STRICT')}", "cart"),
    ),
}
