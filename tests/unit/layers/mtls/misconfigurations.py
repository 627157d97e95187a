# SPDX-License-Identifier: Apache-2.0
"""What is found in clusters that look protected and are not, each with the name of its one fault?

Beside it stands what a check of single objects says: the pattern of Kyverno's policy
`enforce-strict-mtls`, `=(spec): =(mtls): =(mode): "UNSET | STRICT"`, where `=(key)` means "if the
key is there" and `|` separates alternatives
(https://kyverno.io/docs/policy-types/cluster-policy/validate/#anchors).
"""

from __future__ import annotations

from typing import Any

from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.scan import Options, scan
from tests.unit.layers.mtls.inputs import AT, NAMESPACE, STRICT, deployment, inventory

PATTERN = {"=(spec)": {"=(mtls)": {"=(mode)": "UNSET | STRICT"}}}

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

FOUND: dict[str, tuple[list[str], str]] = {
    "nothing wrong: STRICT for the mesh": ([], "passes"),
    "no policy at all": (["accepts-plaintext", "mesh-not-strict"], "nothing to look at"),
    "selector in the root namespace": (
        ["accepts-plaintext", "dead-policy", "mesh-not-strict"],
        "passes",
    ),
    "port exemption": (["port-exception"], "passes"),
    "duplicate: the older one says nothing": (
        ["accepts-plaintext", "dead-policy", "mesh-not-strict"],
        "passes",
    ),
    "mesh-wide policy is UNSET": (["accepts-plaintext", "mesh-not-strict"], "passes"),
    "DestinationRule says DISABLE": (["client-without-identity"], "passes"),
    "hostNetwork": (["workload-outside-mesh"], "passes"),
    "excluded port": (["uncaptured-port"], "passes"),
    "F1: STRICT port of a PERMISSIVE workload, in ambient": (
        ["accepts-plaintext", "ambient-fails-open"],
        "fails",
    ),
    "F2: exempted port under an UNSET namespace, in ambient": (
        ["ambient-fails-open", "port-exception"],
        "passes",
    ),
    "H1: STRICT workload under DISABLE": (
        ["mesh-not-strict", "strict-under-disable"],
        "fails",
    ),
}


def fits(value: Any, pattern: Any) -> bool:
    """Whether a value fits a pattern of conditional anchors and alternatives."""
    if isinstance(pattern, str):
        return value in [choice.strip() for choice in pattern.split("|")]
    keys = {anchor.removeprefix("=(").removesuffix(")"): anchor for anchor in pattern}
    return isinstance(value, dict) and all(
        fits(value[key], pattern[anchor]) for key, anchor in keys.items() if key in value
    )


def pattern_says(texts: tuple[str, ...]) -> str:
    policies = inventory(*texts).of("PeerAuthentication", "security.istio.io")
    if not policies:
        return "nothing to look at"
    return "passes" if all(fits(policy.object, PATTERN) for policy in policies) else "fails"


def kguard_says(texts: tuple[str, ...], engine: EmbeddedEngine) -> list[str]:
    manifests = list(inventory(*texts))
    options = Options(scope="cluster", at=AT, layers=("mtls",))
    report = scan(Collected(manifests=manifests), options, engine).report
    return sorted({finding.policy.removeprefix("mtls/") for finding in report.findings})
