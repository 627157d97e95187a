# SPDX-License-Identifier: Apache-2.0
"""What is said about connections with nodes and with the API server?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.layers.network.facts import compute
from kguard.model.layer import Request
from tests.objects import inventory

_REQUEST = Request(scope="app", at=datetime(2026, 11, 24, tzinfo=UTC))
_WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubernetes, namespace: default}
subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 6443}]}]
"""


def egress(rules: str, text: str = _WEB):
    policy = f"""
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: web, namespace: shop}}
spec: {{podSelector: {{}}, policyTypes: [Egress], egress: {rules}}}
"""
    return compute(inventory(text + policy), _REQUEST).workloads[0].egress


@pytest.mark.parametrize(
    ("rules", "reach", "ports"),
    [
        ("[{}]", "everything", ["*"]),
        ("[]", "nothing", []),
        (
            "[{to: [{ipBlock: {cidr: 192.0.2.10/32}}], ports: [{port: 6443}]}]",
            "ports",
            ["6443/TCP"],
        ),
        ("[{to: [{ipBlock: {cidr: 192.0.2.10/32}}], ports: [{port: 443}]}]", "nothing", []),
        ("[{to: [{ipBlock: {cidr: 192.0.2.11/32}}]}]", "nothing", []),
        ("[{to: [{podSelector: {}}]}]", "nothing", []),
    ],
)
def test_the_api_server_at_its_endpoints(rules, reach, ports):
    found = egress(rules).apiserver
    assert (found.reach, found.ports) == (reach, ports)


@pytest.mark.parametrize(
    ("rules", "api", "nodes"),
    [
        ("[{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", "unknown", "unknown"),
        ("[{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]", "ports", "ports"),
        ("[{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]", "nothing", "nothing"),
    ],
)
def test_addresses_that_nobody_knows_are_private_ones(rules, api, nodes):
    found = egress(rules, _WEB.partition("---")[0])
    assert (found.apiserver.reach, found.nodes.reach) == (api, nodes)


def test_pods_of_the_own_namespace():
    found = egress("[{to: [{podSelector: {}}]}]")
    assert (found.own_namespace.reach, found.cluster.reach) == ("everything", "nothing")
