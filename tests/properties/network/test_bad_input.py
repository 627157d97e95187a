# SPDX-License-Identifier: Apache-2.0
"""Does memory grow with the input alone, however hostile labels, rules and selectors are?"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kguard.inventory import build
from kguard.layers.network import LAYER
from kguard.model.facts.network import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

Json = dict[str, Any]

GROWTH = 2.7
"""How many times the memory, with the facts as JSON, may grow where the input doubles."""


def _pod(number: int, namespace: str, labels: dict[str, str]) -> Json:
    metadata = {"name": f"p{number}", "namespace": namespace, "labels": labels}
    spec = {"containers": [{"name": "c", "image": "registry.example.com/c:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _policy(name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**head, "metadata": metadata, "spec": spec}


def _many_labels(size: int) -> list[Json]:
    """Pods with a hundred labels each that no other pod has, and policies that name some."""
    found = []
    for number in range(size // 100):
        labels = {f"k{number}-{n}": f"v{n}" for n in range(100)}
        found.append(_pod(number, "shop", labels))
        admitted = {"podSelector": {"matchLabels": {f"k{number}-1": "v1"}}}
        spec = {
            "podSelector": {"matchLabels": {f"k{number}-0": "v0"}},
            "ingress": [{"from": [admitted]}],
        }
        found.append(_policy(f"n{number}", "shop", spec))
    return found


def _many_rules(size: int) -> list[Json]:
    """One policy for all pods, each rule with a peer, a block and a port of its own."""
    rules = [
        {
            "from": [
                {"podSelector": {"matchLabels": {"app": f"a{n}"}}},
                {"ipBlock": {"cidr": f"20.{n // 256 % 256}.{n % 256}.0/24"}},
            ],
            "ports": [{"port": n + 1}],
        }
        for n in range(size)
    ]
    pods = [_pod(n, "shop", {"app": f"a{n}"}) for n in range(10)]
    return [*pods, _policy("many", "shop", {"podSelector": {}, "ingress": rules})]


def _ring(size: int) -> list[Json]:
    """Namespaces of which each admits the next by a label, and the last one the first."""
    found: list[Json] = []
    for number in range(size):
        name, labels = f"n{number}", {"ring": f"r{number}"}
        metadata = {"name": name, "labels": labels}
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        found.append(_pod(number, name, {"app": "a"}))
        following = {"namespaceSelector": {"matchLabels": {"ring": f"r{(number + 1) % size}"}}}
        spec = {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [following]}],
            "egress": [{"to": [following]}],
        }
        found.append(_policy("next", name, spec))
    return found


def _peak(objects: list[Json]) -> int:
    manifests = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(objects)]
    tracemalloc.start()
    try:
        request = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
        found = LAYER.facts(build(Collected(manifests=manifests)), request)
        assert isinstance(found, Facts)
        assert len(found.workloads) == sum(o["kind"] == "Pod" for o in objects)
        size = len(msgspec.json.encode(found))
        return tracemalloc.get_traced_memory()[1] + size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("make", "size"), [(_many_labels, 10_000), (_many_rules, 400), (_ring, 150)]
)
def test_memory_is_linear(make: Callable[[int], list[Json]], size: int) -> None:
    _peak(make(size // 10))
    assert _peak(make(2 * size)) < GROWTH * _peak(make(size))
