# SPDX-License-Identifier: Apache-2.0
"""Which nodes get a pod of a DaemonSet, and what keeps the others without?

Authority: kubernetes pkg/controller/daemon/daemon_controller.go (`NodeShouldRunDaemonPod`),
pkg/controller/daemon/util/daemonset_util.go (tolerations that the controller adds),
component-helpers scheduling/corev1 (node affinity, tolerations). Conditions of nodes,
`spec.unschedulable` without its taint and capacities never decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from kguard.model.manifests import JsonObject, mapping, sequence, strings

_REPELLING = ("NoSchedule", "NoExecute")
_COMPARISONS = ("Gt", "Lt")


class Toleration(msgspec.Struct, frozen=True, order=True):
    """A toleration of a pod."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """Whether pods with this toleration may stay with the taint."""
        if self.effect not in ("", taint.effect):
            return False
        if self.key not in ("", taint.key):
            return False
        if self.operator == "Exists":
            return True
        return self.operator in ("", "Equal") and self.key != "" and self.value == taint.value


class Taint(msgspec.Struct, frozen=True, order=True):
    """A taint of a node."""

    key: str
    value: str = ""
    effect: str = ""

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.key}{value}:{self.effect}"


class Node(msgspec.Struct, frozen=True):
    """A node as far as placement looks at it."""

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]


Obstacle = Literal["none", "node_name", "node_selector", "affinity", "taint"]


class Placement(msgspec.Struct, frozen=True):
    """Whether a node gets a pod, and if not, what is in the way."""

    obstacle: Obstacle = "none"
    detail: str = ""
    stays: bool = False
    """Whether a pod that runs there already is left alone."""
    taints: tuple[Taint, ...] = ()
    """The taints that nothing tolerates."""

    @property
    def runs(self) -> bool:
        """Whether the controller makes a pod there."""
        return self.obstacle == "none"


_ADDED = (
    Toleration("node.kubernetes.io/not-ready", "Exists", effect="NoExecute"),
    Toleration("node.kubernetes.io/unreachable", "Exists", effect="NoExecute"),
    Toleration("node.kubernetes.io/disk-pressure", "Exists", effect="NoSchedule"),
    Toleration("node.kubernetes.io/memory-pressure", "Exists", effect="NoSchedule"),
    Toleration("node.kubernetes.io/pid-pressure", "Exists", effect="NoSchedule"),
    Toleration("node.kubernetes.io/unschedulable", "Exists", effect="NoSchedule"),
)
_ADDED_ON_HOST_NETWORK = Toleration(
    "node.kubernetes.io/network-unavailable", "Exists", effect="NoSchedule"
)


def node_of(raw: JsonObject) -> Node:
    """A Node object as placement sees it; junk entries are left out."""
    metadata = mapping(raw.get("metadata"))
    name = metadata.get("name")
    taints = (
        Taint(words.get("key", ""), words.get("value", ""), words.get("effect", ""))
        for words in map(strings, sequence(mapping(raw.get("spec")).get("taints")))
    )
    return Node(name if isinstance(name, str) else "", strings(metadata.get("labels")), (*taints,))


def written_tolerations(pod: JsonObject) -> tuple[Toleration, ...]:
    """The tolerations that stand in a pod spec."""
    return tuple(
        Toleration(
            words.get("key", ""),
            words.get("operator") or "Equal",
            words.get("value", ""),
            words.get("effect", ""),
        )
        for words in map(strings, sequence(pod.get("tolerations")))
    )


def tolerations_of(pod: JsonObject) -> tuple[Toleration, ...]:
    """The tolerations of a DaemonSet's pods, with those that the controller adds."""
    own = written_tolerations(pod)
    if pod.get("hostNetwork") is True:
        return (*own, *_ADDED, _ADDED_ON_HOST_NETWORK)
    return (*own, *_ADDED)


def place(pod: JsonObject, node: Node) -> Placement:
    """Decide whether a node gets a pod of the DaemonSet with this pod template."""
    return _placed(pod, node, tolerations_of(pod))


def admits(pod: JsonObject, node: Node) -> bool:
    """Whether the scheduler may put a pod that no DaemonSet owns on a node."""
    return _placed(pod, node, written_tolerations(pod)).runs


def _placed(pod: JsonObject, node: Node, tolerations: tuple[Toleration, ...]) -> Placement:
    obstacle = _attraction(pod, node)
    if obstacle is not None:
        return obstacle
    blocking = tuple(
        taint
        for taint in node.taints
        if taint.effect in _REPELLING and not any(t.tolerates(taint) for t in tolerations)
    )
    if not blocking:
        return Placement(stays=True)
    stays = all(taint.effect != "NoExecute" for taint in blocking)
    detail = ", ".join(str(taint) for taint in blocking)
    return Placement("taint", detail, stays=stays, taints=blocking)


def _attraction(pod: JsonObject, node: Node) -> Placement | None:
    """What is wrong with the node as far as the pod chooses; None if nothing is."""
    name = pod.get("nodeName")
    if isinstance(name, str) and name and name != node.name:
        return Placement("node_name", name)
    for key, value in sorted(strings(pod.get("nodeSelector")).items()):
        if node.labels.get(key) != value:
            return Placement("node_selector", f"{key}={value}")
    required = _required_terms(pod)
    if required is None or any(_term_matches(term, node) for term in required):
        return None
    return Placement("affinity", "; ".join(_describe(term) for term in required))


def _required_terms(pod: JsonObject) -> list[Any] | None:
    affinity = mapping(mapping(pod.get("affinity")).get("nodeAffinity"))
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not isinstance(required, dict):
        return None
    return sequence(required.get("nodeSelectorTerms"))


def _term_matches(term: Any, node: Node) -> bool:
    expressions = sequence(mapping(term).get("matchExpressions"))
    fields = sequence(mapping(term).get("matchFields"))
    if not expressions and not fields:
        return False
    about_node = {"metadata.name": node.name}
    return all(_matches(entry, node.labels) for entry in expressions) and all(
        _matches(entry, about_node) for entry in fields
    )


def _matches(entry: Any, labels: Mapping[str, str]) -> bool:
    expression = mapping(entry)
    key, operator = expression.get("key"), expression.get("operator")
    have = labels.get(key) if isinstance(key, str) else None
    values = [value for value in sequence(expression.get("values")) if isinstance(value, str)]
    match operator:
        case "In":
            return have in values
        case "NotIn":
            return have not in values
        case "Exists":
            return have is not None
        case "DoesNotExist":
            return have is None
        case _:
            return operator in _COMPARISONS and _compares(have, operator, values)


def _compares(have: str | None, operator: Any, values: list[str]) -> bool:
    try:
        left, right = int(have or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right


def _describe(term: Any) -> str:
    return " and ".join(_words(term)) or "an empty term, which no node matches"


def _words(term: Any) -> Iterator[str]:
    for part in ("matchExpressions", "matchFields"):
        for entry in map(mapping, sequence(mapping(term).get(part))):
            values = ", ".join(str(value) for value in sequence(entry.get("values")))
            yield f"{entry.get('key')} {entry.get('operator')} ({values})".removesuffix(" ()")
