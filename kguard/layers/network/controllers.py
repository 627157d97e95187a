# SPDX-License-Identifier: Apache-2.0
"""Which ports do Ingress and Route objects open towards pods, in netpol-analyzer's reading?

Authority: np-guard/netpol-analyzer pkg/netpol/connlist/internal/ingressanalyzer: the controller is
a pod without labels in a namespace of its own; a target port counts only if the pod declares it,
whatever the protocol of the declaration, and a named one must be declared for TCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Workload
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.services import Service, ServicePort, services
from kguard.model.manifests import Manifest, mapping, sequence

CONTROLLER = "{ingress-controller}"

_Wanted = int | str | None


def controller_rows(cluster: Cluster, peers: dict[str, int]) -> list[tuple[str, str, str]]:
    """Rows from the ingress controller to the workloads that Ingress and Route objects name."""
    wanted = _wanted(cluster)
    reach = cluster.reach
    found = []
    for name, index in peers.items():
        ports = wanted.get(index, set())
        allowed = reach.connection(cluster.stranger, index).must
        spoken = [port for port in sorted(ports) if allowed & reach.ports.of_port("TCP", port)]
        if spoken:
            found.append((CONTROLLER, name, f"TCP {_text(spoken)}"))
    return found


def _text(ports: list[int]) -> str:
    runs: list[list[int]] = []
    for port in ports:
        if runs and runs[-1][1] == port - 1:
            runs[-1][1] = port
        else:
            runs.append([port, port])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _wanted(cluster: Cluster) -> dict[int, set[int]]:
    """The declared ports, by workload, that some backend leads to."""
    by_name = {
        (service.manifest.namespace, service.manifest.name): service
        for service in services(cluster.inventory, cluster.workloads)
    }
    found: dict[int, set[int]] = {}
    for namespace, name, port in _backends(cluster):
        service = by_name.get((namespace, name))
        if service is None:
            continue
        for index in service.workloads:
            workload = cluster.workloads[index]
            found.setdefault(index, set()).update(_ports(service, port, workload))
    return found


def _backends(cluster: Cluster) -> Iterator[tuple[str, str, _Wanted]]:
    for manifest in cluster.inventory.of("Ingress", "networking.k8s.io"):
        yield from _ingress_backends(manifest)
    for manifest in cluster.inventory.of("Route", "route.openshift.io"):
        yield from _route_backends(manifest)


def _ingress_backends(manifest: Manifest) -> Iterator[tuple[str, str, _Wanted]]:
    backends = [mapping(manifest.spec.get("defaultBackend"))]
    for rule in sequence(manifest.spec.get("rules")):
        paths = sequence(mapping(mapping(rule).get("http")).get("paths"))
        backends += [mapping(mapping(path).get("backend")) for path in paths]
    for backend in backends:
        service = mapping(backend.get("service"))
        port = mapping(service.get("port"))
        if service:
            yield manifest.namespace, service.get("name", ""), _port(port)


def _port(port: dict[str, Any]) -> _Wanted:
    return port.get("name") or port.get("number") or None


def _route_backends(manifest: Manifest) -> Iterator[tuple[str, str, _Wanted]]:
    port = mapping(manifest.spec.get("port")).get("targetPort") or None
    entries = [manifest.spec.get("to"), *sequence(manifest.spec.get("alternateBackends"))]
    for entry in map(mapping, entries):
        if entry.get("kind", "Service") in ("", "Service"):
            yield manifest.namespace, entry.get("name", ""), port


def _ports(service: Service, wanted: _Wanted, workload: Workload) -> set[int]:
    declared = {port.number for port in workload.ports}
    found = set()
    for port in _matching(service.ports, wanted):
        number = port.target if isinstance(port.target, int) else _named(port.target, workload)
        if number in declared:
            found.add(number)
    return found


def _matching(ports: tuple[ServicePort, ...], wanted: _Wanted) -> tuple[ServicePort, ...]:
    """All ports for no wish; else the first that the wish names in any way."""
    if wanted is None:
        return ports
    for port in ports:
        explicit = port.target != port.number or isinstance(port.target, str)
        if wanted in (port.number, port.name) or (explicit and wanted == port.target):
            return (port,)
    return ()


def _named(name: str, workload: Workload) -> int:
    """The first port of that name, if it is one for TCP."""
    for port in workload.ports:
        if port.name == name:
            return port.number if port.protocol == "TCP" else 0
    return 0
