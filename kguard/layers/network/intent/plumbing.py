# SPDX-License-Identifier: Apache-2.0
"""Which connections does every application need of the cluster: names, and the API server?

Authority: kubernetes.io "Debugging DNS Resolution" (the resolver's pods carry `k8s-app: kube-dns`)
and "Using NodeLocal DNSCache" (169.254.20.10 by default, on the network of the node); OpenShift's
DNS operator (pods of `openshift-dns` at 5353); core/v1 types.go (`dnsConfig.nameservers`);
rbac/v1 types.go (who is bound to a role means to ask the API server).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.inventory.mentions import is_address
from kguard.layers.network.intent.model import Flow, Party, Target, flows, pods
from kguard.layers.network.intent.names import Names, blocks
from kguard.layers.network.intent.targets import api_server, behind
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest, mapping, sequence, strings

DNS = pods("cluster DNS", "kube-system", **{"k8s-app": "kube-dns"})
DNS_PORT = 53
NODE_LOCAL = ("169.254.20.10/32",)
"""NodeLocal DNSCache, unless its DaemonSet says another address."""

_OPENSHIFT = pods(
    "cluster DNS",
    "openshift-dns",
    **{"dns.operator.openshift.io/daemonset-dns": "default"},
)
_OPENSHIFT_PORT = 5353
_RBAC = "rbac.authorization.k8s.io"


class Resolvers:
    """Where the pods of an inventory resolve names."""

    def __init__(self, names: Names) -> None:
        self._cluster = list(_cluster_dns(names)) + list(_node_local(names))

    def of(self, workload: Workload) -> list[Target]:
        """The resolvers of a workload: the cluster's, and those that its pods name."""
        config = mapping(workload.pod.get("dnsConfig"))
        own = [v for v in sequence(config.get("nameservers")) if isinstance(v, str)]
        found = [_resolver(ip) for ip in own if is_address(ip)]
        return found if workload.pod.get("dnsPolicy") == "None" else [*self._cluster, *found]


def _cluster_dns(names: Names) -> Iterator[Target]:
    """The pods behind kube-dns where they are in the input; else those that clusters have."""
    service = names.service("kube-dns.kube-system", "")
    inside = [t for t in behind(names, service, DNS_PORT) if t.protocol == "UDP"] if service else []
    for target in inside:
        yield msgspec.structs.replace(target, basis="dns")
    if inside:
        return
    if "openshift-dns" in names.inventory.namespaces or _is_openshift(names.inventory):
        yield Target(_OPENSHIFT, "UDP", _OPENSHIFT_PORT, "dns")
    else:
        yield Target(DNS, "UDP", DNS_PORT, "dns")


def _is_openshift(inventory: Inventory) -> bool:
    return any(group.endswith("config.openshift.io") for group in inventory.groups)


def _node_local(names: Names) -> Iterator[Target]:
    for workload in names.workloads:
        if workload.name == "node-local-dns" and workload.host_network:
            words = [
                word
                for container in workload.containers
                for entry in sequence(container.raw.get("args"))
                if isinstance(entry, str)
                for word in entry.replace(",", " ").split()
            ]
            local = blocks(word for word in words if word.startswith("169.254."))
            party = Party("address", "NodeLocal DNSCache", cidrs=local or NODE_LOCAL)
            yield Target(party, "UDP", DNS_PORT, "dns")


def _resolver(ip: str) -> Target:
    party = Party("address", f"resolver {ip}", cidrs=blocks([ip]))
    return Target(party, "UDP", DNS_PORT, "dns")


def dns_flows(names: Names, found: Sequence[Flow]) -> Iterator[Flow]:
    """Whoever names another host must be able to resolve it."""
    resolvers = Resolvers(names)
    seen: set[int] = set()
    for flow in found:
        index = flow.source.index
        if index in seen or flow.source.kind != "workload":
            continue
        seen.add(index)
        workload = names.workloads[index]
        note = f"{workload.name} must resolve the names that it is given"
        because = Evidence(flow.because.ref, flow.because.pointer, note)
        yield from flows(flow.source, resolvers.of(workload), because)


def dns_of(names: Names, index: int) -> list[Flow]:
    """A workload to its resolvers."""
    workload = names.workloads[index]
    note = f"{workload.name} must resolve the names that it is given"
    because = Evidence(workload.id, workload.pod_pointer, note)
    return flows(names.parties[index], Resolvers(names).of(workload), because)


def api_flows(names: Names) -> Iterator[Flow]:
    """Pods whose service account was given rights ask the API server."""
    bound = _bound(names.inventory)
    server = list(api_server(names))
    for index, workload in enumerate(names.workloads):
        found = bound.get((workload.namespace, workload.service_account))
        if found is None or workload.pod.get("automountServiceAccountToken") is False:
            continue
        binding, place = found
        note = f"{binding.kind} {binding.name} gives rights to the pods of {workload.name}"
        yield from flows(names.parties[index], server, Evidence(binding.id, place, note))


def _bound(inventory: Inventory) -> dict[tuple[str, str], tuple[Manifest, str]]:
    found: dict[tuple[str, str], tuple[Manifest, str]] = {}
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for manifest in inventory.of(kind, _RBAC):
            for number, entry in enumerate(sequence(manifest.object.get("subjects"))):
                words = strings(entry)
                if words.get("kind") == "ServiceAccount" and words.get("name"):
                    key = (words.get("namespace") or manifest.namespace, words["name"])
                    found.setdefault(key, (manifest, f"/subjects/{number}"))
    return found
