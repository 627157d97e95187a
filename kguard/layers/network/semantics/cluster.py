# SPDX-License-Identifier: Apache-2.0
"""What does the evaluation need of an inventory: pods, policies in force, hypothetical pods?

Two hypothetical pods tell how widely something is open although other pods are not in the input: a
neighbour in each namespace and a stranger in a namespace nobody knows, both without labels and
themselves restricted by nothing (the question is what the target lets in). A selector that
matches them matches any pod that nobody labelled on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kguard.inventory import Inventory, Workload
from kguard.layers.network.semantics import cilium, foreign
from kguard.layers.network.semantics.addresses import AddressRange
from kguard.layers.network.semantics.endpoints import NAME_LABEL, Endpoint, NamespaceLabels
from kguard.layers.network.semantics.kinds import Kinds
from kguard.layers.network.semantics.networkpolicy import parse
from kguard.layers.network.semantics.policy import PodPolicy
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.reach import Reachability
from kguard.model.manifests import Manifest, mapping, sequence, strings

STRANGER = "(elsewhere)"
"""The namespace of the stranger; no namespace can have this name."""

_TOLERATED = ("/metadata/name", "/pods/podSelector", "/pods/namespaceSelector")
"""Where a tolerant reader sees no problem."""


class Cluster:
    """An inventory made ready for questions about connections.

    The indexes of `workloads` are the endpoint indexes of `reach`; `extra` endpoints follow from
    `first_extra` on. `whole`: the input is a whole cluster, so that a namespace without a
    Namespace object carries no labels.
    """

    def __init__(
        self,
        inventory: Inventory,
        profile: Profile,
        *,
        marks: Sequence[AddressRange] = (),
        extra: Sequence[Endpoint] = (),
        whole: bool = False,
        domains: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.inventory = inventory
        self.profile = profile = cilium.configured(profile, inventory)
        self.workloads: list[Workload] = inventory.workloads
        parsed = [parse(m) for m in inventory.of("NetworkPolicy", "networking.k8s.io")]
        kinds = Kinds(inventory, profile, domains)
        others = kinds.policies()
        self.policies = [policy for policy in parsed if not self._refuses(policy)]
        self.others = [policy for policy in others if not self._refuses(policy)]
        """Policies in force of the other kinds that are evaluated."""
        self.ineffective = kinds.ineffective
        """Policies of kinds that the network plugin does not know."""
        self.refused = [policy for policy in [*parsed, *others] if self._refuses(policy)]
        self.foreign: dict[int, list[Manifest]] = foreign.selecting(inventory, self.workloads)
        self.unread = kinds.unread()
        self.neighbours: dict[str, int] = {}
        self._whole = whole
        endpoints = self._endpoints()
        self.first_extra = len(endpoints)
        endpoints += extra
        unsure = range(len(self.workloads)) if self.unread else self.foreign
        self.reach = Reachability(
            endpoints,
            kinds.in_order(self.policies, self.others),
            self._namespaces(extra),
            profile,
            opaque=frozenset(unsure),
            marks=marks,
        )

    def _refuses(self, policy: PodPolicy) -> bool:
        if not self.profile.tolerant:
            return bool(policy.problems)
        return any(not problem.pointer.endswith(_TOLERATED) for problem in policy.problems)

    def _endpoints(self) -> list[Endpoint]:
        manifests = self.inventory.of("ServiceAccount")
        accounts = {(m.namespace, m.name): m.labels for m in manifests}
        absent: dict[str, str] | None = {} if self._whole else None
        found = [
            endpoint(w, accounts.get((w.namespace, w.service_account), absent))
            for w in self.workloads
        ]
        names = {workload.namespace for workload in self.workloads}
        names.update(policy.namespace for policy in self.policies)
        for name in sorted(names):
            self.neighbours[name] = len(found)
            found.append(Endpoint(name, {}))
        self.stranger = len(found)
        found.append(Endpoint(STRANGER, {}))
        return found

    def _namespaces(self, extra: Sequence[Endpoint]) -> dict[str, NamespaceLabels]:
        trusted = self._whole or self.profile.trusts_missing_labels
        absent = {e.namespace: NamespaceLabels({NAME_LABEL: e.namespace}, trusted) for e in extra}
        found = {
            name: NamespaceLabels(ns.labels, ns.known or trusted)
            for name, ns in self.inventory.namespaces.items()
        }
        return {**absent, **found, STRANGER: NamespaceLabels({NAME_LABEL: STRANGER})}


def endpoint(workload: Workload, account_labels: Mapping[str, str] | None = None) -> Endpoint:
    """The pods of a workload as the evaluation sees them."""
    return Endpoint(
        namespace=workload.namespace,
        labels=workload.labels,
        ports=workload.ports,
        host_network=workload.host_network,
        labels_known=workload.labels_known,
        account=workload.service_account,
        account_labels=account_labels,
        addresses=_addresses(workload.manifest),
    )


def _addresses(manifest: Manifest) -> tuple[str, ...]:
    """The addresses of a Pod that was read from a cluster."""
    if manifest.kind != "Pod":
        return ()
    status = mapping(manifest.object.get("status"))
    entries = [strings(entry).get("ip", "") for entry in sequence(status.get("podIPs"))]
    return tuple(sorted({*entries, strings(status).get("podIP", "")} - {""}))
