# SPDX-License-Identifier: Apache-2.0
"""Are other meshes and encryptions named for what they give?"""

from __future__ import annotations

import pytest

from kguard.layers.mtls import LAYER
from tests.unit.layers.mtls.inputs import facts

CONFIG = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: cilium-config, namespace: kube-system}
    data: {%s: "true"}
"""
FELIX = """
    apiVersion: crd.projectcalico.org/v1
    kind: FelixConfiguration
    metadata: {name: default}
    spec: {%s: true}
"""
NAMESPACE = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {%s}}
"""
CILIUM_POLICY = """
    apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: {name: web, namespace: shop}
    spec: {ingress: [{}, {authentication: {mode: %s}}]}
"""
CONSUL = """
    apiVersion: consul.hashicorp.com/v1alpha1
    kind: %s
    metadata: {name: global, namespace: consul}
    spec: {mutualTLSMode: %s}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONFIG % "enable-wireguard", [("WireGuard (Cilium)", "node_encryption")]),
        (CONFIG % "enable-ipsec", [("IPsec (Cilium)", "node_encryption")]),
        (CONFIG % "enable-hubble", []),
        (FELIX % "wireguardEnabled", [("WireGuard (Calico)", "node_encryption")]),
        (FELIX % "wireguardEnabledV6", [("WireGuard (Calico)", "node_encryption")]),
        (NAMESPACE % 'io.cilium/mtls-enabled: "true"', [("Cilium's ztunnel", "mutual_tls")]),
        (NAMESPACE % "kuma.io/sidecar-injection: enabled", [("Kuma", "mutual_tls")]),
        (CILIUM_POLICY % "required", [("Cilium's mutual authentication", "authentication")]),
        (CILIUM_POLICY % "disabled", []),
        (
            CONSUL % ("ProxyDefaults", "permissive"),
            [
                ("Consul", "mutual_tls"),
                ("Consul, permissive by ProxyDefaults global", "permissive_tls"),
            ],
        ),
        (CONSUL % ("ServiceDefaults", "strict"), [("Consul", "mutual_tls")]),
    ],
)
def test_what_is_named(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(other.name, other.gives) for other in facts(text).others] == expected


def test_node_encryption_is_no_mesh() -> None:
    assert LAYER.coverage(facts(CONFIG % "enable-wireguard")).state == "no_evidence"
    assert LAYER.coverage(facts(NAMESPACE % "kuma.io/sidecar-injection: enabled")).state == (
        "not_evaluated"
    )
