# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from kguard.inventory.references import references
from tests.unit.layers.mtls.inputs import inventory

SERVICES = {("shop", "cart"), ("data", "redis")}


def found(name: str, value: str) -> list[tuple[str, str, int]]:
    made = inventory(
        f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: web, namespace: shop}}
        spec: {{containers: [{{name: c, image: x, env: [{{name: {name}, value: "{value}"}}]}}]}}
        """
    )
    listed = references(made, made.workloads[0], SERVICES)
    return [(entry.namespace, entry.service, entry.port) for entry in listed]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CART_ADDR", "cart:8080", [("shop", "cart", 8080)]),
        ("CART_HOST", "cart", [("shop", "cart", 0)]),
        ("KIND", "cart", []),
        ("X", "http://cart/api?page=2", [("shop", "cart", 80)]),
        ("X", "redis://:secret@redis.data:6379/0", [("data", "redis", 6379)]),
        ("X", "redis.data.svc.cluster.local", [("data", "redis", 0)]),
        ("X", "a=cart:1;b=redis.data.svc:2", [("data", "redis", 2), ("shop", "cart", 1)]),
        ("X", "redis:6379", []),
        ("X", "cart.example.com", []),
        ("X", "redis-0.redis.data:6379", [("data", "redis", 6379)]),
    ],
)
def test_references(name: str, value: str, expected: list[tuple[str, str, int]]) -> None:
    assert found(name, value) == expected


def test_config_maps_and_arguments() -> None:
    made = inventory(
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, namespace: shop}
        data: {CART_URL: "http://cart", other: "redis.data:1"}
        """,
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          containers:
          - name: c
            image: x
            args: ["--redis=redis.data:6379"]
            env:
            - {name: CART, valueFrom: {configMapKeyRef: {name: settings, key: CART_URL}}}
        """,
    )
    listed = references(made, made.workloads[0], SERVICES)
    assert [(entry.service, entry.ref, entry.pointer) for entry in listed] == [
        ("redis", "Pod/shop/web", "/spec/containers/0/args/0"),
        ("cart", "ConfigMap/shop/settings", "/data/CART_URL"),
    ]
