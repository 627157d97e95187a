# SPDX-License-Identifier: Apache-2.0
"""How is an intended connection written as a rule, with labels that last?

Pods are named by the labels that their controller selects, never by a hash or a revision; pods of
other namespaces also by `kubernetes.io/metadata.name`, which the API server sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kguard.inventory import Workload
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.model.manifests import JsonObject, mapping, strings

PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""What a rule for hosts outside the cluster leaves out: pods, nodes, the metadata service."""

_JOB_NAME = "batch.kubernetes.io/job-name"
_PASSING = (
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "serving.knative.dev/revision",
    "rollouts-pod-template-hash",
)


def stable_labels(workload: Workload, workloads: Iterable[Workload]) -> dict[str, str]:
    """Labels that select the pods of a workload, and of no other one where that is possible.

    Empty for pods without labels: no selector means them alone.
    """
    if workload.knative == "serving" and workload.manifest.kind == "Service":
        return {"serving.knative.dev/service": workload.name}
    if workload.manifest.kind == "Job":
        return {_JOB_NAME: workload.name}
    lasting = {k: v for k, v in workload.labels.items() if k not in _PASSING}
    chosen = strings(mapping(workload.manifest.spec.get("selector")).get("matchLabels"))
    if not chosen or not chosen.items() <= lasting.items():
        return lasting
    others = [
        other
        for other in workloads
        if other.namespace == workload.namespace and other.id != workload.id
    ]
    alone = not any(chosen.items() <= other.labels.items() for other in others)
    return chosen if alone else lasting


def peer(party: Party, namespace: str, workloads: Sequence[Workload]) -> JsonObject | None:
    """A peer of a rule in a namespace; None where the party is no set of pods."""
    if party.kind == "workload":
        workload = workloads[party.index]
        labels = stable_labels(workload, workloads)
        place = workload.namespace
    elif party.kind == "pods":
        labels, place = dict(party.labels), party.namespace
    else:
        return None
    found: JsonObject = {} if place == namespace else {"namespaceSelector": _named(place)}
    if labels or place == namespace:
        found["podSelector"] = {"matchLabels": labels} if labels else {}
    return found


def _named(namespace: str) -> JsonObject:
    return {"matchLabels": {NAME_LABEL: namespace}} if namespace else {}


def rules(
    flows: Sequence[Flow], field: str, namespace: str, workloads: Sequence[Workload]
) -> list[JsonObject]:
    """The rules that admit connections; `field` is `from` or `to`. Peers with equal ports share."""
    by_ports: dict[tuple[tuple[str, int], ...], list[JsonObject | None]] = {}
    for party, ports in _by_party(flows, field).items():
        by_ports.setdefault(ports, []).extend(_peers(party, field, namespace, workloads))
    found = []
    for ports, peers in sorted(by_ports.items()):
        admitted = [entry for entry in peers if entry is not None]
        rule: JsonObject = {}
        if len(admitted) == len(peers):
            rule[field] = _distinct(admitted)
        rule["ports"] = [{"protocol": protocol, "port": port} for protocol, port in ports]
        found.append(rule)
    return found


def _by_party(flows: Sequence[Flow], field: str) -> dict[Party, tuple[tuple[str, int], ...]]:
    ports: dict[Party, set[tuple[str, int]]] = {}
    for flow in flows:
        party = flow.source if field == "from" else flow.target
        if party.kind == "node":
            # Every policy admits the node of a pod.
            continue
        entry = ports.setdefault(party, set())
        entry.add((flow.protocol, flow.port))
        if flow.basis == "dns":
            # Answers that do not fit into a datagram are asked for again over TCP.
            entry.add(("TCP", flow.port))
    return {party: tuple(sorted(found)) for party, found in sorted(ports.items())}


def _peers(
    party: Party, field: str, namespace: str, workloads: Sequence[Workload]
) -> list[JsonObject | None]:
    """The peers that mean a party; None admits everyone."""
    if party.candidates:
        return [peer(entry, namespace, workloads) for entry in party.candidates]
    if party.kind == "somewhere":
        return [{"namespaceSelector": {}}]
    if party.cidrs:
        return [{"ipBlock": {"cidr": cidr}} for cidr in party.cidrs]
    if party.kind == "address" and field == "to":
        return [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}}]
    return [peer(party, namespace, workloads)]


def _distinct(peers: list[JsonObject]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for entry in peers:
        if entry not in found:
            found.append(entry)
    return found


def network_policy(
    name: str, namespace: str, labels: dict[str, str], spec: dict[str, Any]
) -> JsonObject:
    """A NetworkPolicy for the pods with these labels (all pods for none)."""
    selector: JsonObject = {"matchLabels": labels} if labels else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": selector, **spec},
    }
