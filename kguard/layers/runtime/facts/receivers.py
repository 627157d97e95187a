# SPDX-License-Identifier: Apache-2.0
"""Who is behind the URL to which a Falco sends its alerts?

Names of Services are those of cluster DNS (kubernetes/dns docs/specification.md): a Service of the
pod's own namespace, `service.namespace`, or with `.svc`. A name of two labels may be one of the
internet as well; it counts as a Service where the input knows the Service or its namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.inventory.serving import silent
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence, Scope
from kguard.model.manifests import Manifest, ObjectRef, mapping, sequence, strings

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_TWO = 2


class Url(NamedTuple):
    """Where an HTTP output leads."""

    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        """Without anything that could be a credential: paths of webhooks are."""
        usual = {"http": 80, "https": 443}.get(self.scheme)
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def is_local(self) -> bool:
        """Whether it stays inside the pod."""
        return _LOOPBACK.fullmatch(self.host) is not None


def parsed(url: str) -> Url | None:
    """The parts of a URL; None for what is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not parts.hostname:
        return None
    return Url(scheme, parts.hostname, port or (443 if scheme == "https" else 80))


class Behind(msgspec.Struct, frozen=True):
    """Who takes what is sent to a URL."""

    state: Literal["outside", "pod", "workload", "nobody", "unknown"]
    """`pod`: a container beside Falco; `nobody`: the connection cannot be made."""
    note: str = ""
    service: Manifest | None = None
    workload: Workload | None = None

    @property
    def inside(self) -> bool:
        """Whether alerts do not leave the cluster."""
        return self.state != "outside"


def behind(inventory: Inventory, home: str, url: Url, scope: Scope) -> Behind:
    """Who is behind a URL, as far as the input tells.

    Args:
        inventory: Services, workloads, EndpointSlices.
        home: the namespace that short names belong to.
        url: of the output.
        scope: in a whole cluster, what is not there does not exist.
    """
    if url.is_local:
        return Behind("pod")
    name = _service_name(inventory, home, url.host)
    if name is None:
        return Behind("outside")
    service = inventory.find("Service", "", name.namespace, name.name)
    if service is None:
        hidden = inventory.unknown_kinds("Service")
        if scope == "cluster" and not hidden:
            return Behind("nobody", f"there is no Service {name.name} in {name.namespace}")
        return Behind("unknown", f"the Service {name.name} is not in the input")
    return _of_service(inventory, service, url.port, scope)


class _Name(NamedTuple):
    name: str
    namespace: str


def _service_name(inventory: Inventory, home: str, host: str) -> _Name | None:
    labels = host.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return None
    if len(labels) == 1:
        return _Name(labels[0], home)
    name = _Name(labels[0], labels[1])
    if len(labels) > _TWO and labels[_TWO] == "svc":
        return name
    known = len(labels) == _TWO and name.namespace in inventory.namespaces
    return name if known or (len(labels) == _TWO and _find(inventory, name)) else None


def _find(inventory: Inventory, name: _Name) -> Manifest | None:
    return inventory.find("Service", "", name.namespace, name.name)


def _of_service(inventory: Inventory, service: Manifest, port: int, scope: Scope) -> Behind:
    if service.spec.get("type") == "ExternalName":
        return Behind("outside", service=service)
    ports = [mapping(entry).get("port") for entry in sequence(service.spec.get("ports"))]
    if port not in ports:
        return Behind("nobody", f"{service.ref} has no port {port}", service)
    if not strings(service.spec.get("selector")):
        return Behind("unknown", f"{service.ref} selects no pods by itself", service)
    found = selected(inventory, service)
    if not found:
        hidden = inventory.unknown_kinds("Deployment", "apps")
        if scope == "cluster" and not hidden:
            return Behind("nobody", f"{service.ref} selects no workload", service)
        return Behind("unknown", f"the workload behind {service.ref} is not in the input", service)
    if all(workload.replicas == 0 for workload in found):
        return Behind("nobody", f"{found[0].ref} has no replicas", service, found[0])
    if silent(inventory, service.namespace, service.name):
        return Behind("nobody", f"{service.ref} has no ready endpoint", service, found[0])
    return Behind("workload", service=service, workload=found[0])


def selected(inventory: Inventory, service: Manifest) -> Sequence[Workload]:
    """The workloads that a Service selects."""
    selector = strings(service.spec.get("selector"))
    return [
        workload
        for workload in inventory.workloads_by_namespace.get(service.namespace, [])
        if selector and selector.items() <= workload.labels.items()
    ]


def receivers(
    inventory: Inventory,
    ends: tuple[ObjectRef, ObjectRef],
    found: Behind,
    port: int,
    because: list[Evidence],
) -> Iterator[model.Receiver]:
    """The workloads behind the Service of an output, each with the port of its pods.

    Args:
        inventory: where the workloads are.
        ends: the Falco, and who sends: the Falco itself, or a Falcosidekick that sends on.
        found: the Service.
        port: of the URL.
        because: where the URL is written.
    """
    if found.service is None:
        return
    for workload in selected(inventory, found.service):
        target = _pod_port(found.service, port, workload)
        if target:
            yield model.Receiver(*ends, workload.ref, target, because)


def _pod_port(service: Manifest, port: int, workload: Workload) -> int:
    """The port of the pods behind a port of the Service; 0 where there is none."""
    for entry in map(mapping, sequence(service.spec.get("ports"))):
        if entry.get("port") != port:
            continue
        target = entry.get("targetPort", port)
        if isinstance(target, str):
            named = (p.number for c in workload.containers for p in c.ports if p.name == target)
            return next(named, 0)
        return target if isinstance(target, int) else 0
    return 0
