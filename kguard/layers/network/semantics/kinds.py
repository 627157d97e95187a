# SPDX-License-Identifier: Apache-2.0
"""Which policies of other kinds than NetworkPolicy are in the input, and does the plugin know them?

What a plugin does not know has no effect (`profiles`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kguard.inventory import Inventory
from kguard.layers.network.semantics import admin, calico, cilium, foreign
from kguard.layers.network.semantics.known_ports import as_read
from kguard.layers.network.semantics.policy import NAMESPACED, PodPolicy
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.services import Service, services
from kguard.layers.network.semantics.surroundings import (
    Surroundings,
    cidr_groups,
    network_sets,
    nodes,
)
from kguard.model.manifests import Manifest

_FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "admin": (admin.KINDS[:2], (admin.GROUP,)),
    "cluster": (admin.KINDS[2:], (admin.GROUP,)),
    "calico": ((*calico.KINDS, "Tier", "NetworkSet", "GlobalNetworkSet"), calico.GROUPS),
    "cilium": ((*cilium.KINDS, "CiliumCIDRGroup"), (cilium.GROUP,)),
}
"""The kinds of each family of `Profile.kinds`, with what their policies refer to."""


class Kinds:
    """The policies of an input that are evaluated besides NetworkPolicies."""

    def __init__(
        self,
        inventory: Inventory,
        profile: Profile,
        domains: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._inventory = inventory
        self._profile = profile
        self._calico = self._of(calico.KINDS, calico.GROUPS)
        self._cilium = self._of(cilium.KINDS, (cilium.GROUP,))
        own = bool(self._calico or self._cilium)
        self._around = Surroundings(
            nodes=nodes(inventory.of("Node")),
            reads_nodes=profile.evaluates_nodes,
            cidrs_mean_nodes=profile.block_matches_nodes,
            domains=domains,
            network_sets=network_sets(inventory) if self._calico else (),
            cidr_groups=cidr_groups(self._of(("CiliumCIDRGroup",), (cilium.GROUP,))),
            services=self._services() if own else {},
            host_network=frozenset(
                n for n, workload in enumerate(inventory.workloads) if workload.host_network
            ),
        )
        self._admin = self._of(admin.KINDS[:2], (admin.GROUP,))
        self._cluster = self._of(admin.KINDS[2:], (admin.GROUP,))
        groups = {
            "admin": self._admin,
            "cluster": self._cluster,
            "calico": self._calico,
            "cilium": self._cilium,
        }
        self.ineffective: list[Manifest] = [
            manifest
            for kind, found in groups.items()
            if kind not in profile.kinds
            for manifest in found
        ]

    def unread(self) -> list[str]:
        """Why policies may exist that have a say and were not read (a 403 of the API server)."""
        known = {"NetworkPolicy.networking.k8s.io"} | {f"{k}.{group}" for k, group in foreign.KINDS}
        for family in self._profile.kinds:
            kinds, groups = _FAMILIES[family]
            known |= {f"{kind}.{group}" for kind in kinds for group in groups}
        return [
            f"{entry.source}: {entry.reason}"
            for entry in self._inventory.collected.unreadable
            if any(entry.hides(kind) for kind in known)
        ]

    def _of(self, kinds: Sequence[str], groups: Sequence[str]) -> list[Manifest]:
        return [m for group in groups for kind in kinds for m in self._inventory.of(kind, group)]

    def _services(self) -> dict[tuple[str, str], Service]:
        found = services(self._inventory, self._inventory.workloads)
        return {(s.manifest.namespace, s.manifest.name): s for s in found}

    def policies(self) -> list[PodPolicy]:
        """All that are evaluated, refused ones too, by kind."""
        wide = [(self._admin, "admin"), (self._cluster, "cluster")]
        found = [
            admin.parse(manifest, self._around)
            for manifests, kind in wide
            if kind in self._profile.kinds
            for manifest in manifests
        ]
        if "calico" in self._profile.kinds and self._calico:
            tiers = calico.Tiers(self._of(("Tier",), calico.GROUPS))
            found += [calico.policy(m, tiers, self._around) for m in self._calico]
        if "cilium" in self._profile.kinds:
            found += [p for m in self._cilium for p in cilium.policies(m, self._around)]
            found += cilium.always_enforced(self._inventory)
        return found

    def in_order(
        self, policies: Sequence[PodPolicy], others: Sequence[PodPolicy]
    ) -> list[PodPolicy]:
        """The NetworkPolicies as this plugin reads them, then the others."""
        if not self._profile.block_matches_nodes and self._around.nodes:
            policies = [self._around.without_nodes(policy) for policy in policies]
        policies = [as_read(policy, self._profile) for policy in policies]
        order = calico.KUBERNETES_ORDER
        if any(p.tier == NAMESPACED and p.order == order and p.tie for p in others):
            return [*calico.with_ties(policies), *others]
        return [*policies, *others]
