# SPDX-License-Identifier: Apache-2.0
"""What is a workload, whatever kind of object makes its pods?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping, sequence, strings

ContainerRole = Literal["container", "init", "sidecar", "ephemeral"]
"""`sidecar` is an init container with `restartPolicy: Always`."""


class ContainerPort(msgspec.Struct, frozen=True, order=True):
    """A declared port of a container; `name` may be empty, `protocol` is TCP, UDP or SCTP."""

    number: int
    protocol: str = "TCP"
    name: str = ""
    container: str = ""


class Container(msgspec.Struct):
    """One container of a pod template."""

    name: str
    image: str
    role: ContainerRole
    ports: tuple[ContainerPort, ...]
    raw: JsonObject
    pointer: str
    """JSON pointer inside `Workload.manifest`; empty for a container that a controller adds."""
    added_by: str = ""
    """The controller that adds it (`knative`), empty for a container of the manifest."""


class Workload(msgspec.Struct):
    """Pods with one template: the unit that all layers judge.

    A Knative Service yields one workload for the pods of its latest revision, as the controller
    makes them (labels, queue-proxy).
    """

    manifest: Manifest
    pod: JsonObject
    """The pod spec."""
    pod_pointer: str
    """JSON pointer of the pod spec inside `manifest`."""
    labels: dict[str, str]
    """The labels of its pods, as the controllers set them."""
    annotations: dict[str, str]
    containers: tuple[Container, ...]
    owner_kind: str
    """The kind as written by the user: Deployment, Pod, Service (Knative) ..."""
    pod_metadata_pointer: str = ""
    """JSON pointer of the template's metadata inside `manifest` (`/metadata` for a Pod)."""
    knative: str = ""
    """`serving`, `eventing` or empty."""
    replicas: int | None = None
    """The number of pods asked for; None where a controller decides."""
    node_name: str = ""
    labels_known: bool = True
    """Whether all pod labels are known (False where a template of a custom kind is opaque)."""

    @property
    def id(self) -> str:
        """`Manifest.id` of the object that makes the pods."""
        return self.manifest.id

    @property
    def ref(self) -> ObjectRef:
        """The identity as reports print it."""
        return self.manifest.ref

    @property
    def namespace(self) -> str:
        """The effective namespace."""
        return self.manifest.namespace

    @property
    def name(self) -> str:
        """The name of the object that makes the pods."""
        return self.manifest.name

    @property
    def service_account(self) -> str:
        """The service account of the pods (`default` when none is named)."""
        name = self.pod.get("serviceAccountName") or self.pod.get("serviceAccount")
        return name if isinstance(name, str) else "default"

    @property
    def host_network(self) -> bool:
        """Whether the pods share the node's network."""
        return self.pod.get("hostNetwork") is True

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """Declared ports of ordinary containers and sidecars, in order."""
        return tuple(
            port
            for container in self.containers
            if container.role in ("container", "sidecar")
            for port in container.ports
        )


def containers_of(pod: JsonObject, pod_pointer: str) -> tuple[Container, ...]:
    """All containers of a pod spec with their pointers; junk entries are left out."""
    found: list[Container] = []
    for field, role in _FIELDS:
        for index, raw in enumerate(sequence(pod.get(field))):
            if isinstance(raw, dict):
                place = pod_pointer + pointer(field, index)
                found.append(_container(raw, role, place))
    return tuple(found)


_FIELDS: tuple[tuple[str, ContainerRole], ...] = (
    ("initContainers", "init"),
    ("containers", "container"),
    ("ephemeralContainers", "ephemeral"),
)


def _container(raw: JsonObject, role: ContainerRole, place: str) -> Container:
    if role == "init" and raw.get("restartPolicy") == "Always":
        role = "sidecar"
    name, image = raw.get("name"), raw.get("image")
    name = name if isinstance(name, str) else ""
    return Container(
        name=name,
        image=image if isinstance(image, str) else "",
        role=role,
        ports=_ports(raw, name),
        raw=raw,
        pointer=place,
    )


def _ports(raw: JsonObject, container: str) -> tuple[ContainerPort, ...]:
    found = []
    for entry in sequence(raw.get("ports")):
        number: Any = mapping(entry).get("containerPort")
        if type(number) is int:
            words = strings(entry)
            protocol = words.get("protocol") or "TCP"
            found.append(ContainerPort(number, protocol, words.get("name", ""), container))
    return tuple(found)
