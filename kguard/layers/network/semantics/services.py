# SPDX-License-Identifier: Apache-2.0
"""Which pods and which of their ports does a Service lead to?

Authority: staging/src/k8s.io/api/core/v1/types.go (ServiceSpec.selector, ServicePort.targetPort)
and pkg/api/v1/pod/util.go of the endpoints controllers (FindPort: a named target port is resolved
on each pod, the protocol must be the same; a numeric one is taken as it is). NetworkPolicy judges
the connection after the Service has been resolved, hence the target port.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.network.semantics.ports import port_number
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings


class ServicePort(msgspec.Struct, frozen=True):
    """A port of a Service: `target` is a number, a name, or 0 where it is not usable."""

    name: str
    number: int
    protocol: str
    target: int | str
    pointer: str


class Service(msgspec.Struct, frozen=True):
    """A Service with the workloads behind it."""

    manifest: Manifest
    selector: dict[str, str]
    ports: tuple[ServicePort, ...]
    type: str
    external_name: str
    workloads: tuple[int, ...]
    """Indexes of the workloads that it selects."""

    def port(self, wanted: int | str | None) -> tuple[ServicePort, ...]:
        """The ports that a number or a name means; all of them for None."""
        if wanted is None:
            return self.ports
        return tuple(port for port in self.ports if wanted in (port.number, port.name))


def services(inventory: Inventory, workloads: Sequence[Workload]) -> list[Service]:
    """All Services of the input, by namespace and name."""
    by_namespace: dict[str, list[int]] = {}
    for index, workload in enumerate(workloads):
        by_namespace.setdefault(workload.namespace, []).append(index)
    manifests = inventory.of("Service")
    keys = {key for manifest in manifests for key in strings(manifest.spec.get("selector"))}
    index_by_label = _by_label(workloads, keys)
    return [
        _service(manifest, workloads, by_namespace.get(manifest.namespace, []), index_by_label)
        for manifest in manifests
    ]


def _by_label(
    workloads: Sequence[Workload], keys: set[str]
) -> dict[tuple[str, str, str], list[int]]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for index, workload in enumerate(workloads):
        for key in keys & workload.labels.keys():
            found.setdefault((workload.namespace, key, workload.labels[key]), []).append(index)
    return found


def _service(
    manifest: Manifest,
    workloads: Sequence[Workload],
    namespace: list[int],
    by_label: dict[tuple[str, str, str], list[int]],
) -> Service:
    spec = manifest.spec
    selector = strings(spec.get("selector"))
    words = strings(spec)
    candidates = namespace
    for key, value in selector.items():
        narrower = by_label.get((manifest.namespace, key, value), [])
        candidates = narrower if len(narrower) < len(candidates) else candidates
    chosen = candidates if selector and words.get("type") != "ExternalName" else []
    return Service(
        manifest=manifest,
        selector=selector,
        ports=tuple(_ports(spec.get("ports"))),
        type=words.get("type", "ClusterIP"),
        external_name=words.get("externalName", ""),
        workloads=tuple(n for n in chosen if selector.items() <= workloads[n].labels.items()),
    )


def _ports(value: Any) -> list[ServicePort]:
    found = []
    for index, entry in enumerate(sequence(value)):
        fields, words = mapping(entry), strings(entry)
        number = fields.get("port")
        if type(number) is not int:
            continue
        target = fields.get("targetPort") or number
        found.append(
            ServicePort(
                name=words.get("name", ""),
                number=number,
                protocol=words.get("protocol") or "TCP",
                target=target if type(target) is int or isinstance(target, str) else 0,
                pointer=pointer("spec", "ports", index),
            )
        )
    return found


def target_ports(port: ServicePort, workload: Workload) -> list[int]:
    """The numbers of the ports on a workload's pods that a Service port leads to."""
    if isinstance(port.target, int):
        return [port.target] if port.target else []
    if port_number(port.target):
        return [port_number(port.target)]
    return sorted(
        {
            declared.number
            for declared in workload.ports
            if declared.name == port.target and declared.protocol == port.protocol
        }
    )
