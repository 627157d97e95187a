# SPDX-License-Identifier: Apache-2.0
"""Which Service does a host name of a manifest mean?

Authority: Kubernetes DNS specification 1.1 (`service.namespace.svc.zone`); a pod's search list
completes `service`, `service.namespace` and `service.namespace.svc`
(pkg/kubelet/network/dns/dns.go).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from kguard.inventory import Inventory, Workload
from kguard.layers.network.intent.model import Party, members
from kguard.layers.network.semantics.services import Service, services


def blocks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses and ranges as CIDRs, sorted; what is neither is left out."""
    found = set()
    for text in addresses:
        try:
            found.add(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            continue
    return tuple(sorted(found))


class Names:
    """The Services and Knative Services of an inventory, by the names that reach them."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.workloads: Sequence[Workload] = inventory.workloads
        self.parties = members(self.workloads)
        """The workloads as ends of connections, by index."""
        self.services = services(inventory, self.workloads)
        self._services: Mapping[tuple[str, str], Service] = {
            (s.manifest.namespace, s.manifest.name): s for s in self.services
        }
        self._knative = {
            (w.namespace, w.name): index
            for index, w in enumerate(self.workloads)
            if w.manifest.kind == "Service" and w.knative == "serving"
        }
        self._members: dict[str, list[int]] = {}
        for index, workload in enumerate(self.workloads):
            self._members.setdefault(workload.namespace, []).append(index)
        self._zone = inventory.value("cluster-domain") or "cluster.local"

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> list[Party]:
        """The workloads of a namespace whose pods carry all of these labels."""
        return [
            self.parties[index]
            for index in self._members.get(namespace, ())
            if labels.items() <= self.workloads[index].labels.items()
        ]

    def split(self, host: str, namespace: str) -> tuple[str, str]:
        """(namespace, service) that a host name would mean; empty where it cannot be one."""
        host = host.removesuffix(".").removesuffix(f".{self._zone}")
        parts = host.split(".")
        match parts:
            case [name]:
                return namespace, name
            case [name, space] | [name, space, "svc"]:
                return space, name
            case _:
                return "", ""

    def internal(self, host: str) -> bool:
        """Whether only the cluster's own DNS can know a host name."""
        short = host.removesuffix(".").removesuffix(f".{self._zone}")
        return short.endswith(".svc") or short != host.removesuffix(".")

    def service(self, host: str, namespace: str) -> Service | None:
        """The Service that a host name means, seen from a namespace."""
        found = self._services.get(self.split(host, namespace))
        if found is None:
            # A single pod of a StatefulSet: `pod.service.namespace`.
            rest = host.partition(".")[2]
            found = self._services.get(self.split(rest, namespace)) if rest else None
        if found is not None and found.external_name:
            inner = self._services.get(self.split(found.external_name, found.manifest.namespace))
            return inner or found
        return found

    def knative(self, host: str, namespace: str) -> int | None:
        """The Knative workload (index) that a host name means."""
        return self._knative.get(self.split(host, namespace))
