# SPDX-License-Identifier: Apache-2.0
"""How is an intended connection written as a rule, with labels that last?

Pods are named by the labels that their controller selects, never by a hash or a revision; pods of
other namespaces also by `kubernetes.io/metadata.name`, which the API server sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kguard.inventory import Workload
from kguard.layers.network.intent.components import API_SERVER
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.plumbing import NODE_LOCAL
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.model.manifests import JsonObject, mapping, strings

PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""What a rule for hosts outside the cluster leaves out: pods, nodes, the metadata service."""

LINK_LOCAL = "169.254.0.0/16"
API_BLOCK = {"cidr": "0.0.0.0/0", "except": [LINK_LOCAL]}
"""Where the API server may be, if its endpoints are not known."""
RESOLVERS = (*NODE_LOCAL, "169.254.169.254/32")
"""Link-local addresses at which nodes answer for the cluster's DNS (NodeLocal DNSCache, clouds):
no selector of pods means them."""

_JOB_NAME = "batch.kubernetes.io/job-name"
_PASSING = (
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "serving.knative.dev/revision",
    "rollouts-pod-template-hash",
)


GIVEN = "app.kubernetes.io/name"
"""The label that pods get which carry none that lasts."""


class Labels:
    """The labels by which rules mean the pods of each workload."""

    def __init__(self, workloads: Sequence[Workload]) -> None:
        self.workloads = workloads
        self._neighbours: dict[str, list[Workload]] = {}
        for workload in workloads:
            self._neighbours.setdefault(workload.namespace, []).append(workload)
        self._known: dict[int, dict[str, str]] = {}

    def of(self, index: int) -> dict[str, str]:
        """Labels that select the pods, and no other ones where that is possible.

        Pods without lasting labels are to be given one.
        """
        if index not in self._known:
            workload = self.workloads[index]
            found = stable_labels(workload, self._neighbours[workload.namespace])
            self._known[index] = found or {GIVEN: workload.name}
        return self._known[index]

    def is_given(self, index: int) -> bool:
        """Whether the pods do not carry their labels yet."""
        workload = self.workloads[index]
        return self.of(index) == {GIVEN: workload.name} and GIVEN not in workload.labels


def stable_labels(workload: Workload, neighbours: Iterable[Workload]) -> dict[str, str]:
    """The lasting labels of a workload's pods, as few as tell them from their neighbours."""
    if workload.knative == "serving" and workload.manifest.kind == "Service":
        return {"serving.knative.dev/service": workload.name}
    if workload.manifest.kind == "Job":
        return {_JOB_NAME: workload.name}
    lasting = {k: v for k, v in workload.labels.items() if k not in _PASSING}
    chosen = strings(mapping(workload.manifest.spec.get("selector")).get("matchLabels"))
    if not chosen or not chosen.items() <= lasting.items():
        return lasting
    alone = not any(
        chosen.items() <= other.labels.items() for other in neighbours if other.id != workload.id
    )
    return chosen if alone else lasting


def peer(party: Party, namespace: str, known: Labels) -> JsonObject | None:
    """A peer of a rule in a namespace; None where the party is no set of pods."""
    if party.kind == "workload":
        labels, place = known.of(party.index), known.workloads[party.index].namespace
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


def rules(flows: Sequence[Flow], field: str, namespace: str, known: Labels) -> list[JsonObject]:
    """The rules that admit connections; `field` is `from` or `to`. Peers with equal ports share."""
    by_ports: dict[tuple[tuple[str, int], ...], list[JsonObject | None]] = {}
    for party, ports in _by_party(flows, field).items():
        by_ports.setdefault(ports, []).extend(_peers(party, field, namespace, known))
    found = []
    for ports, peers in sorted(by_ports.items()):
        admitted = [entry for entry in peers if entry is not None]
        rule: JsonObject = {}
        if len(admitted) == len(peers):
            rule[field] = _distinct(admitted)
        if ports:
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
        if field == "to" and party.kind == "pods" and not party.labels:
            # The Service is known, not the port of the pods behind it.
            continue
        entry.add((flow.protocol, flow.port))
        if flow.basis == "dns":
            # Answers that do not fit into a datagram are asked for again over TCP.
            entry.add(("TCP", flow.port))
    return {party: tuple(sorted(found)) for party, found in sorted(ports.items())}


def _peers(party: Party, field: str, namespace: str, known: Labels) -> list[JsonObject | None]:
    """The peers that mean a party; None admits everyone."""
    if party.candidates:
        return [peer(entry, namespace, known) for entry in party.candidates]
    if party.kind == "somewhere":
        return [{"namespaceSelector": {}}]
    if party.cidrs:
        return [{"ipBlock": {"cidr": cidr}} for cidr in party.cidrs]
    if party.name == API_SERVER and field == "to":
        return [{"ipBlock": API_BLOCK}]
    if party.kind == "address" and field == "to":
        return [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}}]
    return [peer(party, namespace, known)]


def _distinct(peers: list[JsonObject]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for entry in peers:
        if entry not in found:
            found.append(entry)
    return found


def network_policy(
    name: str, namespace: str, selector: JsonObject, spec: dict[str, Any]
) -> JsonObject:
    """A NetworkPolicy for the pods that a selector means (all pods for an empty one)."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": selector, **spec},
    }
