# SPDX-License-Identifier: Apache-2.0
"""Which policies of other kinds may select a workload, so that its answers are not certain?

These kinds change what is reachable but are not evaluated: Antrea's own, and egress firewalls of
OVN-Kubernetes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.inventory import Inventory, Workload
from kguard.model.manifests import Manifest

KINDS = (
    ("ClusterNetworkPolicy", "crd.antrea.io"),
    ("EgressFirewall", "k8s.ovn.org"),
    ("NetworkPolicy", "crd.antrea.io"),
)


def foreign_manifests(inventory: Inventory) -> list[Manifest]:
    """All policies of kinds that are not evaluated, by kind, namespace and name."""
    return [manifest for kind, group in KINDS for manifest in inventory.of(kind, group)]


def selecting(inventory: Inventory, workloads: Sequence[Workload]) -> dict[int, list[Manifest]]:
    """For each workload (by index) the foreign policies that may select it."""
    found: dict[int, list[Manifest]] = {}
    for manifest in foreign_manifests(inventory):
        for index, workload in enumerate(workloads):
            if manifest.namespace in ("", workload.namespace):
                found.setdefault(index, []).append(manifest)
    return found
