# SPDX-License-Identifier: Apache-2.0
"""What do the pods of a workload run, as their status tells?

Authority: kubernetes staging/src/k8s.io/api/core/v1/types.go (`PodStatus`: the statuses of
containers, init containers and ephemeral containers, and since 1.35 of mounted image volumes).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.inventory.workload import Container, containers_of
from kguard.layers.images.semantics.image_ids import ImageId, read_image_id
from kguard.layers.images.semantics.references import (
    InvalidReferenceError,
    Reference,
    parse_reference,
)
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

INJECTED = "auto"
"""Istio's placeholder for the proxy image that its injector fills in."""
_OVER = ("Succeeded", "Failed")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_REVISION = "serving.knative.dev/revision"


class Running(msgspec.Struct, frozen=True):
    """What one pod runs under one name."""

    pod: Manifest
    image: str
    """As it stands in the pod, after admission."""
    runs: ImageId
    pointer: str
    """JSON pointer of the `imageID` in the pod."""


class Pods:
    """The running pods of one workload."""

    def __init__(self, inventory: Inventory, workload: Workload) -> None:
        found = inventory.running.get(workload.id, ())
        self._workload = workload
        self._pods = [pod for pod in found if _counts(pod, workload)]

    def of(self, name: str, role: str, written: Reference) -> list[Running]:
        """What runs for a container, or is mounted for a volume, that the workload describes.

        A pod of an older description (a rollout under way) names another image, and does not count.
        """
        found = self._volumes if role == "volume" else self._containers
        resolved = self._workload.knative == "serving"
        return [r for r in found.get(name, ()) if resolved or _same(written, r.image)]

    def added(self) -> Iterator[tuple[Container, Manifest]]:
        """The containers that admission or a person added to the pods: each name once."""
        seen = {c.name for c in self._workload.containers if c.pointer and c.image != INJECTED}
        for pod in self._pods:
            for container in containers_of(pod.spec, "/spec"):
                if container.name not in seen:
                    seen.add(container.name)
                    yield container, pod

    def named(self, name: str) -> list[Running]:
        """What runs under the name of a container."""
        return self._containers.get(name, [])

    @cached_property
    def _containers(self) -> dict[str, list[Running]]:
        found: dict[str, list[Running]] = {}
        for pod in self._pods:
            status = mapping(pod.object.get("status"))
            images = {c.name: c.image for c in containers_of(pod.spec, "/spec")}
            for field in _STATUSES:
                for index, entry in enumerate(map(strings, sequence(status.get(field)))):
                    name, place = entry.get("name", ""), pointer("status", field, index, "imageID")
                    runs = read_image_id(entry.get("imageID", ""))
                    running = Running(pod, images.get(name, ""), runs, place)
                    found.setdefault(name, []).append(running)
        return found

    @cached_property
    def _volumes(self) -> dict[str, list[Running]]:
        found: dict[str, list[Running]] = {}
        for pod in self._pods:
            for name, image, text, place in _mounted(pod):
                running = Running(pod, image, read_image_id(text), place)
                found.setdefault(name, []).append(running)
        return found


def _counts(pod: Manifest, workload: Workload) -> bool:
    if strings(pod.object.get("status")).get("phase") in _OVER:
        return False
    if workload.knative != "serving":
        return True
    # Older revisions run their own images; what the service describes is the latest one.
    status = strings(mapping(workload.manifest.object.get("status")))
    latest = status.get("latestReadyRevisionName") or workload.labels.get(_REVISION)
    return strings(pod.metadata.get("labels")).get(_REVISION) == latest


def _same(written: Reference, text: str) -> bool:
    """Whether a pod's image is what was written, or that with a digest which admission added."""
    try:
        found = parse_reference(text)
    except InvalidReferenceError:
        return False
    if found.context != written.context or (written.digest and found.digest != written.digest):
        return False
    return found.tag == written.tag or bool(found.digest and not found.tag)


def _mounted(pod: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """Name, image, `imageRef` and its place of the image volumes that containers mount."""
    images = {
        strings(volume).get("name", ""): strings(mapping(volume).get("image")).get("reference", "")
        for volume in sequence(pod.spec.get("volumes"))
    }
    status = mapping(pod.object.get("status"))
    for field in _STATUSES:
        for index, entry in enumerate(sequence(status.get(field))):
            for number, mount in enumerate(sequence(mapping(entry).get("volumeMounts"))):
                image = mapping(mapping(mapping(mount).get("volumeStatus")).get("image"))
                place = pointer(
                    *("status", field, index, "volumeMounts", number),
                    *("volumeStatus", "image", "imageRef"),
                )
                name = strings(mount).get("name", "")
                if text := strings(image).get("imageRef"):
                    yield name, images.get(name, ""), text, place
