# SPDX-License-Identifier: Apache-2.0
"""Random nodes and DaemonSets that the API server accepts, for the real DaemonSet controller."""

from __future__ import annotations

from random import Random
from typing import Any

LABELS = {
    "zone": ("a", "b", "c"),
    "disk": ("ssd", "hdd", ""),
    "gpu-count": ("0", "2", "8", "many"),
    "kubernetes.io/os": ("linux", "windows"),
    "node-role.kubernetes.io/worker": ("",),
}
TAINTS = (
    "gpu",
    "sla",
    "node-role.kubernetes.io/control-plane",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/network-unavailable",
)
VALUES = ("", "x", "y")
EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")


def node(random: Random, name: str) -> dict[str, Any]:
    """A node with labels and taints; at most one taint for each key and effect."""
    labels = {k: random.choice(v) for k, v in LABELS.items() if random.random() < 0.6}
    pairs = {(random.choice(TAINTS), random.choice(EFFECTS)) for _ in range(random.randrange(4))}
    taints = [_taint(random, key, effect) for key, effect in sorted(pairs)]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**labels, "kubernetes.io/hostname": name}},
        "spec": {"taints": taints} if taints else {},
    }


def _taint(random: Random, key: str, effect: str) -> dict[str, str]:
    value = random.choice(VALUES)
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def daemonset(random: Random, name: str, nodes: list[str]) -> dict[str, Any]:
    """A DaemonSet that chooses nodes in one way or another."""
    pod: dict[str, Any] = {"containers": [{"name": "c", "image": "registry.example.com/agent:1"}]}
    pod["tolerations"] = [_toleration(random) for _ in range(random.randrange(4))]
    if random.random() < 0.3:
        pod["nodeSelector"] = {key: random.choice(LABELS[key]) for key in _some(random, 2)}
    if random.random() < 0.4:
        pod["affinity"] = {"nodeAffinity": _affinity(random, nodes)}
    if random.random() < 0.2:
        pod["hostNetwork"] = True
    if random.random() < 0.1:
        pod["nodeName"] = random.choice(nodes)
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def _toleration(random: Random) -> dict[str, Any]:
    if random.random() < 0.15:
        return {"operator": "Exists"}
    found: dict[str, Any] = {"key": random.choice(TAINTS)}
    if random.random() < 0.5:
        found["operator"] = "Exists"
    elif random.random() < 0.7:
        found["value"] = random.choice(VALUES)
    if random.random() < 0.7:
        found["effect"] = random.choice(EFFECTS)
    return found


def _some(random: Random, most: int) -> list[str]:
    return random.sample(sorted(LABELS), random.randint(1, most))


def _affinity(random: Random, nodes: list[str]) -> dict[str, Any]:
    terms = [_term(random, nodes) for _ in range(random.randint(1, 2))]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}


def _term(random: Random, nodes: list[str]) -> dict[str, Any]:
    if random.random() < 0.1:
        return {}
    expressions = [_expression(random, key) for key in _some(random, 2)]
    if random.random() < 0.2:
        chosen = [random.choice(nodes)]
        field = {"key": "metadata.name", "operator": random.choice(("In", "NotIn"))}
        return {"matchExpressions": expressions, "matchFields": [{**field, "values": chosen}]}
    return {"matchExpressions": expressions}


def _expression(random: Random, key: str) -> dict[str, Any]:
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"))
    if operator in ("Exists", "DoesNotExist"):
        return {"key": key, "operator": operator}
    if operator in ("Gt", "Lt"):
        return {"key": "gpu-count", "operator": operator, "values": [str(random.randrange(9))]}
    values = random.sample(LABELS[key], random.randint(1, len(LABELS[key])))
    return {"key": key, "operator": operator, "values": values}
