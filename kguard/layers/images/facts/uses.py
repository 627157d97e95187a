# SPDX-License-Identifier: Apache-2.0
"""Which images does every workload run, and how are they named?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.images.facts.running import INJECTED, Pods, Running
from kguard.layers.images.semantics import knative
from kguard.layers.images.semantics.mutability import mutability, why
from kguard.layers.images.semantics.references import (
    InvalidReferenceError,
    Reference,
    parse_reference,
    parse_weakly,
)
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import How, Mutability, Origin, Role
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_SERVING = "serving.knative.dev"


class Use(msgspec.Struct):
    """One place where a workload names an image, with what the reference means."""

    workload: Workload
    container: str
    role: Role
    image: str
    pointer: str
    reference: Reference | None
    problem: str
    """Why the reference cannot be read; empty where it can."""
    digest: str
    how: How
    mutability: Mutability
    because: list[Evidence]
    manifest: Manifest
    """Where it is named: what makes the pods, or a pod."""
    origin: Origin = "manifest"
    running: tuple[str, ...] = ()
    """The digests that pods run under this name."""
    running_because: tuple[Evidence, ...] = ()
    elsewhere: Reference | None = None
    """The repository from which the node has it, if that is another one."""


class KnativeSettings(msgspec.Struct, frozen=True):
    """Which registries Knative leaves unresolved, and where that stands."""

    skipped: frozenset[str]
    evidence: Evidence


def knative_settings(inventory: Inventory) -> KnativeSettings:
    """The settings of Serving's controller, or its defaults."""
    namespace, name = knative.CONFIG_MAP
    config = inventory.find("ConfigMap", "", namespace, name)
    if config is None:
        note = "Knative resolves the tag of every registry but kind.local, ko.local and dev.local"
        return KnativeSettings(knative.DEFAULT_SKIPPED, Evidence(note=note))
    data = strings(config.object.get("data"))
    place = pointer("data", knative.SKIP_KEY) if knative.SKIP_KEY in data else ""
    note = f"{config.ref} says for which registries Knative does not resolve tags"
    return KnativeSettings(knative.skipped_registries(data), Evidence(config.id, place, note))


def uses_of(inventory: Inventory, workload: Workload, settings: KnativeSettings) -> Iterator[Use]:
    """Every image of a workload's pods: as described, and as admission changed the running ones.

    An image of which pods run several contents is there once for each.
    """
    digests = _revision_digests(inventory, workload)
    pods = Pods(inventory, workload)
    for name, role, image, place in _places(workload):
        use = _named(workload, workload.manifest, name, role, image, place)
        if use.reference and workload.knative == "serving" and role != "volume":
            _as_knative(use, use.reference, settings, digests)
        if use.reference is None:
            yield use
        else:
            yield from as_running(use, use.reference, pods.of(name, role, use.reference))
    for container, pod in pods.added():
        place = container.pointer + "/image"
        use = _named(workload, pod, container.name, container.role, container.image, place)
        use.origin = "pod"
        if use.reference is not None:
            yield from as_running(use, use.reference, pods.named(container.name))


def as_running(use: Use, reference: Reference, found: Sequence[Running]) -> Iterator[Use]:
    """The use with what pods run; once for each content that they run."""
    by_digest: dict[str, list[Running]] = {}
    for running in found:
        if running.runs.kind == "manifest":
            by_digest.setdefault(running.runs.digest, []).append(running)
    use.running = tuple(sorted(by_digest))
    use.running_because = tuple(
        _seen(running) for _, some in sorted(by_digest.items()) for running in some[:_SHOWN]
    )
    if use.digest or not by_digest:
        if not use.digest and any(running.runs.kind == "config" for running in found):
            use.how = "pod_config"
        yield use
        return
    for digest, some in sorted(by_digest.items()):
        elsewhere = _elsewhere(reference, some[0])
        yield msgspec.structs.replace(use, digest=digest, how="pod_status", elsewhere=elsewhere)


_SHOWN = 2


def _seen(running: Running) -> Evidence:
    note = f"the pod {running.pod.name} runs {running.runs.digest}"
    return Evidence(running.pod.id, running.pointer, note)


def _elsewhere(reference: Reference, running: Running) -> Reference | None:
    try:
        found = parse_weakly(f"{running.runs.repository}@{running.runs.digest}")
    except InvalidReferenceError:
        return None
    return found if found.context != reference.context else None


def _places(workload: Workload) -> Iterator[tuple[str, Role, str, str]]:
    for container in workload.containers:
        if container.image and container.pointer and container.image != INJECTED:
            yield container.name, container.role, container.image, container.pointer + "/image"
    for index, volume in enumerate(sequence(workload.pod.get("volumes"))):
        image = strings(mapping(volume).get("image")).get("reference")
        if image:
            name = strings(volume).get("name", "")
            place = pointer("volumes", index, "image", "reference")
            yield name, "volume", image, workload.pod_pointer + place


def _named(
    workload: Workload, manifest: Manifest, name: str, role: Role, image: str, place: str
) -> Use:
    try:
        reference = parse_reference(image)
    except InvalidReferenceError as error:
        because = [Evidence(manifest.id, place, f"the image cannot be read: {error}")]
        problem = str(error)
        return Use(
            *(workload, name, role, image, place, None, problem, "", "unresolved", "unknown"),
            because,
            manifest,
        )
    kind = mutability(reference)
    how: How = "spec_digest" if reference.digest else "unresolved"
    because = [Evidence(manifest.id, place, why(reference, kind))]
    return Use(
        *(workload, name, role, image, place, reference, "", reference.digest, how, kind),
        because,
        manifest,
    )


def _as_knative(
    use: Use, reference: Reference, settings: KnativeSettings, digests: dict[str, str]
) -> None:
    if reference.digest:
        return
    if not knative.resolves(reference, settings.skipped):
        use.because.append(settings.evidence)
        return
    use.mutability = "resolved"
    place = use.because[0].pointer
    note = "Knative replaces the tag by its digest when it makes a revision"
    use.because = [Evidence(use.workload.id, place, note), settings.evidence]
    if digest := digests.get(use.container, ""):
        use.digest, use.how = digest, "revision_status"


def _revision_digests(inventory: Inventory, workload: Workload) -> dict[str, str]:
    """The digests that Serving's controller resolved, by container, as the status tells."""
    revision = _revision(inventory, workload) if workload.knative == "serving" else None
    if revision is None:
        return {}
    status = mapping(revision.object.get("status"))
    found = {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for entry in map(strings, sequence(status.get(field))):
            digest = entry.get("imageDigest", "").partition("@")[2]
            if digest.startswith("sha256:"):
                found[entry.get("name", "")] = digest
    return found


def _revision(inventory: Inventory, workload: Workload) -> Manifest | None:
    if workload.manifest.kind == "Revision":
        return workload.manifest
    status = strings(mapping(workload.manifest.object.get("status")))
    name = status.get("latestReadyRevisionName", "")
    return inventory.find("Revision", _SERVING, workload.namespace, name) if name else None
