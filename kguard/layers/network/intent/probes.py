# SPDX-License-Identifier: Apache-2.0
"""What does the kubelet open of pods: probes, and hooks of their life?

Authority: core/v1 types.go (Probe, LifecycleHandler: httpGet, tcpSocket, grpc; a port by number or
by the name that a container gives it). They come from the pod's own node, which NetworkPolicy v1
always admits (networking/v1 types.go); pods of an ambient mesh see them come from 169.254.7.127
(istio.io "Ambient and Kubernetes NetworkPolicy"), which is an address like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Container, Workload
from kguard.inventory.mesh import Mesh
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Names
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.manifests import JsonObject, mapping

_AMBIENT = Party("address", "the kubelet (through the ambient mesh)", cidrs=("169.254.7.127/32",))
_NODE = Party("node", "the kubelet")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_ACTIONS = ("httpGet", "tcpSocket", "grpc")


def probe_flows(names: Names) -> Iterator[Flow]:
    """The node of a pod to the ports that its probes name."""
    mesh = Mesh(names.inventory)
    for index, workload in enumerate(names.workloads):
        found = list(_asked(workload))
        if not found:
            continue
        source = _AMBIENT if mesh.enrolment(workload).plane == "ambient" else _NODE
        for port, place in found:
            yield Flow(source, names.parties[index], "TCP", port, "probe", place)


def _asked(workload: Workload) -> Iterator[tuple[int, Evidence]]:
    for container in workload.containers:
        if container.role not in ("container", "sidecar"):
            continue
        for field, handler in _handlers(container):
            for action in _ACTIONS:
                given = mapping(handler.get(action)).get("port") if action in handler else None
                port = _number(given, container) if given else 0
                if port:
                    place = f"{container.pointer}/{field}/{action}"
                    note = f"{field.rpartition('/')[2]} of {workload.name} asks it"
                    yield port, Evidence(workload.id, place, note)


def _handlers(container: Container) -> Iterator[tuple[str, JsonObject]]:
    """The probes and hooks of a container, by the field that holds them."""
    for name in _PROBES:
        if name in container.raw:
            yield name, mapping(container.raw[name])
    hooks = mapping(container.raw.get("lifecycle"))
    for name in _HOOKS:
        if name in hooks:
            yield f"lifecycle/{name}", mapping(hooks[name])


def _number(port: Any, container: Container) -> int:
    if type(port) is int:
        return port
    if isinstance(port, str) and port_number(port):
        return port_number(port)
    return next((entry.number for entry in container.ports if entry.name == port), 0)
