# SPDX-License-Identifier: Apache-2.0
"""Who calls without a mesh identity, and is that as certain as it is said to be?"""

from __future__ import annotations

import pytest

from tests.unit.layers.mtls.inputs import NAMESPACE, SERVICE, STRICT, deployment, facts

ROUTE = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: cart, namespace: shop}
    spec:
      parentRefs: [{name: public}]
      rules: [{backendRefs: [{name: cart, port: 80}]}]
"""
MONITOR = """
    apiVersion: monitoring.coreos.com/v1
    kind: PodMonitor
    metadata: {name: cart, namespace: shop}
    spec:
      selector: {matchLabels: {app: cart}}
      podMetricsEndpoints: [{portNumber: %s}]
"""
PROMETHEUS = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: prometheus, namespace: monitoring}
    spec: {template: {spec: {containers: [{name: p, image: "prom/prometheus:v3"}]}}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: monitoring, labels: {istio-injection: disabled}}
"""


def gateway(name: str) -> str:
    return f"""
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {{name: public, namespace: shop}}
    spec: {{gatewayClassName: {name}}}
"""


def callers(*texts: str) -> list[tuple[str, str, str, str]]:
    found = facts(NAMESPACE, STRICT, deployment(), SERVICE, *texts).callers
    return [(c.kind, c.port, c.identity, c.verdict) for c in found]


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ((), [("ingress", "8080", "unknown", "unknown")]),
        ((gateway("nginx"),), [("ingress", "8080", "unknown", "unknown")]),
        ((gateway("istio"),), []),
        ((gateway("istio-east-west"),), []),
    ],
)
def test_routes(parents: tuple[str, ...], expected: list[tuple[str, ...]]) -> None:
    assert callers(ROUTE, *parents) == expected


@pytest.mark.parametrize(
    ("number", "others", "expected"),
    [
        ("8080", (PROMETHEUS,), [("scrape", "8080", "none", "refused")]),
        ("8080", (), [("scrape", "8080", "unknown", "unknown")]),
        ("15020", (PROMETHEUS,), [("scrape", "15020", "none", "works")]),
        ("9999", (PROMETHEUS,), [("scrape", "9999", "none", "refused")]),
    ],
)
def test_scrapes(number: str, others: tuple[str, ...], expected: list[tuple[str, ...]]) -> None:
    assert callers(MONITOR % number, *others) == expected


@pytest.mark.parametrize(
    "selector",
    ["{matchLabels: {app: other}}", "{matchExpressions: [{key: app, operator: Is}]}"],
)
def test_what_a_monitor_does_not_select_is_not_scraped(selector: str) -> None:
    monitor = (MONITOR % "8080").replace("{matchLabels: {app: cart}}", selector)
    assert callers(monitor, PROMETHEUS) == []
