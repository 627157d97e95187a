# SPDX-License-Identifier: Apache-2.0
"""Which policies of other kinds may select a workload, so that its answers are not certain?

These kinds change what is reachable but are not evaluated: AdminNetworkPolicy,
BaselineAdminNetworkPolicy and ClusterNetworkPolicy (network-policy-api apis/v1alpha1,
apis/v1alpha2), Calico's, Cilium's and Antrea's own, and egress firewalls of OVN-Kubernetes.
Calico's staged kinds have no effect on traffic and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kguard.inventory import Inventory, Selector, Workload
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.model.manifests import Manifest, mapping

_KINDS = (
    ("AdminNetworkPolicy", "policy.networking.k8s.io"),
    ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io"),
    ("CiliumClusterwideNetworkPolicy", "cilium.io"),
    ("CiliumNetworkPolicy", "cilium.io"),
    ("ClusterNetworkPolicy", "crd.antrea.io"),
    ("ClusterNetworkPolicy", "policy.networking.k8s.io"),
    ("EgressFirewall", "k8s.ovn.org"),
    ("GlobalNetworkPolicy", "crd.projectcalico.org"),
    ("GlobalNetworkPolicy", "projectcalico.org"),
    ("NetworkPolicy", "crd.antrea.io"),
    ("NetworkPolicy", "crd.projectcalico.org"),
    ("NetworkPolicy", "projectcalico.org"),
)
_NETWORK_POLICY = "NetworkPolicy.networking.k8s.io"


def foreign_manifests(inventory: Inventory) -> list[Manifest]:
    """All policies of kinds that are not evaluated, by kind, namespace and name."""
    return [manifest for kind, group in _KINDS for manifest in inventory.of(kind, group)]


def selecting(inventory: Inventory, workloads: Sequence[Workload]) -> dict[int, list[Manifest]]:
    """For each workload (by index) the foreign policies that may select it."""
    found: dict[int, list[Manifest]] = {}
    for manifest in foreign_manifests(inventory):
        for index, workload in enumerate(workloads):
            if _may_select(manifest, workload, inventory):
                found.setdefault(index, []).append(manifest)
    return found


def unread(inventory: Inventory) -> list[str]:
    """Why NetworkPolicies may exist that were asked for and not read (a 403 of the API server)."""
    return [
        f"{entry.source}: {entry.reason}"
        for entry in inventory.collected.unreadable
        if _NETWORK_POLICY in entry.feeds
    ]


def _may_select(manifest: Manifest, workload: Workload, inventory: Inventory) -> bool:
    if manifest.namespace and manifest.namespace != workload.namespace:
        return False
    subject = mapping(manifest.spec.get("subject"))
    if manifest.group != "policy.networking.k8s.io" or not subject:
        return True
    pods = mapping(subject.get("pods"))
    namespaces = subject.get("namespaces", pods.get("namespaceSelector"))
    return _may_match_namespace(namespaces, workload.namespace, inventory) and (
        not pods or not workload.labels_known or _may_match(pods.get("podSelector"), workload)
    )


def _parsed(value: Any) -> Selector | None:
    """A selector, or None where it does not say anything certain."""
    try:
        return parse_selector(value)
    except InvalidSelectorError:
        return None


def _may_match(value: Any, workload: Workload) -> bool:
    selector = _parsed(value)
    return selector is None or selector.matches(workload.labels)


def _may_match_namespace(value: Any, name: str, inventory: Inventory) -> bool:
    selector = _parsed(value)
    namespace = inventory.namespaces.get(name)
    if selector is None or namespace is None or not namespace.known:
        return True
    return selector.matches(namespace.labels)
