# SPDX-License-Identifier: Apache-2.0
"""What do Istio's own objects say about the hosts that workloads call?

Authority: istio/api networking/v1 service_entry.proto (`hosts`, `addresses`, `ports`, `endpoints`,
`exportTo`: `.` is the own namespace) and virtual_service.proto (`gateways` without an entry means
`mesh`: calls of sidecars to `hosts` go to the destinations of the routes, and to mirrors).
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Inventory
from kguard.inventory.mentions import Mention
from kguard.inventory.mesh import Mesh
from kguard.layers.network.intent.model import Flow, Party, Target, flows
from kguard.layers.network.intent.names import Names, blocks
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest, mapping, sequence, strings

_ISTIO = "networking.istio.io"
_PROTOCOLS = ("http", "tls", "tcp")


class Outside:
    """The ServiceEntries and mesh routes of an inventory."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._entries: dict[str, list[Manifest]] = {}
        for manifest in names.inventory.of("ServiceEntry", _ISTIO):
            for host in sequence(manifest.spec.get("hosts")):
                if isinstance(host, str):
                    self._entries.setdefault(host.lower(), []).append(manifest)
        self._routes: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for manifest in names.inventory.of("VirtualService", _ISTIO):
            self._route(manifest)

    def _route(self, manifest: Manifest) -> None:
        gateways = sequence(manifest.spec.get("gateways"))
        if gateways and "mesh" not in gateways:
            return
        found = list(_destinations(manifest))
        for host in sequence(manifest.spec.get("hosts")):
            if isinstance(host, str) and found:
                key = self._names.split(host, manifest.namespace)
                self._routes.setdefault(key, []).extend(
                    (self._whole(name, manifest), port) for name, port in found
                )

    def _whole(self, host: str, manifest: Manifest) -> str:
        """A short name is completed with the namespace of the VirtualService."""
        return host if "." in host else f"{host}.{manifest.namespace}"

    def instead(self, host: str, namespace: str) -> list[tuple[str, int]]:
        """The hosts (and ports) that calls to a host go to, if a VirtualService says so."""
        own = self._names.split(host, namespace)
        found = self._routes.get(own, []) if own[1] else []
        return [entry for entry in found if self._names.split(entry[0], namespace) != own]

    def entry(self, mention: Mention, namespace: str) -> list[Target]:
        """Where a host is that a ServiceEntry describes; nothing where none does."""
        host = mention.host.lower()
        found = self._entries.get(host) or self._entries.get(f"*.{host.partition('.')[2]}") or []
        return [
            target
            for manifest in found
            if _exported(manifest, namespace)
            for target in _targets(manifest, mention.host, mention.port)
        ]


def _destinations(manifest: Manifest) -> Iterator[tuple[str, int]]:
    for protocol in _PROTOCOLS:
        for rule in map(mapping, sequence(manifest.spec.get(protocol))):
            routes = [mapping(entry).get("destination") for entry in sequence(rule.get("route"))]
            for value in (*routes, rule.get("mirror")):
                host = strings(value).get("host")
                port = mapping(mapping(value).get("port")).get("number")
                if host:
                    yield host, port if type(port) is int else 0


def _exported(manifest: Manifest, namespace: str) -> bool:
    where = sequence(manifest.spec.get("exportTo"))
    own = manifest.namespace == namespace
    return not where or "*" in where or namespace in where or ("." in where and own)


def _targets(manifest: Manifest, host: str, wanted: int) -> list[Target]:
    """The addresses and ports of a ServiceEntry; an endpoint may listen on another port."""
    spec = manifest.spec
    note = f" (ServiceEntry {manifest.name})"
    listed = [v for v in sequence(spec.get("addresses")) if isinstance(v, str)]
    ends = [strings(entry).get("address", "") for entry in sequence(spec.get("endpoints"))]
    party = Party("address", host, cidrs=blocks(ends) or blocks(listed))
    ports = [mapping(entry) for entry in sequence(spec.get("ports"))]
    numbers = {n: _behind(spec, p, n) for p in ports if type(n := p.get("number")) is int}
    if wanted and wanted not in numbers:
        numbers = {wanted: wanted}
    chosen = {wanted: numbers[wanted]} if wanted else numbers
    return [Target(party, "TCP", number, "outside", note) for number in chosen.values()]


def _behind(spec: dict[str, object], port: dict[str, object], number: int) -> int:
    target = port.get("targetPort")
    if type(target) is int:
        return target
    name = port.get("name")
    for entry in sequence(spec.get("endpoints")):
        own = mapping(mapping(entry).get("ports")).get(str(name))
        if type(own) is int:
            return own
    return number


def entry_flows(inventory: Inventory, names: Names) -> Iterator[Flow]:
    """A ServiceEntry for its own namespace alone says that the proxies there call the host."""
    mesh = Mesh(inventory)
    for manifest in inventory.of("ServiceEntry", _ISTIO):
        if sequence(manifest.spec.get("exportTo")) != ["."]:
            continue
        place = Evidence(manifest.id, "/spec/hosts", f"ServiceEntry {manifest.name} admits it")
        hosts = [h for h in sequence(manifest.spec.get("hosts")) if isinstance(h, str)]
        found = [t for host in hosts for t in _targets(manifest, host, 0)]
        for index, workload in enumerate(names.workloads):
            enrolled = workload.namespace == manifest.namespace
            if enrolled and mesh.enrolment(workload).plane in ("sidecar", "ambient"):
                yield from flows(names.parties[index], found, place)
