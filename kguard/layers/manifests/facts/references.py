# SPDX-License-Identifier: Apache-2.0
"""Which Knative objects name an object that the input does not hold?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import path
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Reference
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence

_SOURCES = ("ApiServerSource", "ContainerSource", "KafkaSource", "PingSource", "SinkBinding")
_EVENTING = "eventing.knative.dev"
_INJECTION = "eventing.knative.dev/injection"


def references(inventory: Inventory) -> list[Reference]:
    """Traffic to missing revisions, sinks and subscribers that are missing, triggers' brokers."""
    found: list[Reference] = []
    for service in inventory.of("Service", "serving.knative.dev"):
        found += _revisions(service, inventory)
    for kind in _SOURCES:
        for source in inventory.of(kind, "sources.knative.dev"):
            found += _target(source, "/spec/sink/ref", inventory)
    for trigger in inventory.of("Trigger", _EVENTING):
        found += _target(trigger, "/spec/subscriber/ref", inventory)
        found += _broker(trigger, inventory)
    return sorted(found, key=lambda r: (r.ref, r.path, r.to))


def _revisions(service: Manifest, inventory: Inventory) -> Iterator[Reference]:
    own = mapping(mapping(service.spec.get("template")).get("metadata")).get("name")
    for index, target in enumerate(sequence(service.spec.get("traffic"))):
        name = mapping(target).get("revisionName")
        if not isinstance(name, str) or name == own:
            continue
        if not inventory.find("Revision", "serving.knative.dev", service.namespace, name):
            place = pointer("spec", "traffic", index, "revisionName")
            yield _reference(service, place, f"revision {name}")


def _target(manifest: Manifest, place: str, inventory: Inventory) -> Iterator[Reference]:
    ref: Any = manifest.object
    for token in place.split("/")[1:]:
        ref = mapping(ref).get(token)
    fields = mapping(ref)
    kind, name = fields.get("kind"), fields.get("name")
    version = fields.get("apiVersion")
    if not (isinstance(kind, str) and isinstance(name, str) and isinstance(version, str)):
        return
    namespace = fields.get("namespace")
    namespace = namespace if isinstance(namespace, str) else manifest.namespace
    group = version.rpartition("/")[0]
    if inventory.find(kind, group, namespace, name):
        return
    if not (kind == "Broker" and _injected(manifest, name, namespace, inventory)):
        yield _reference(manifest, f"{place}/name", f"{kind} {namespace}/{name}")


def _broker(trigger: Manifest, inventory: Inventory) -> Iterator[Reference]:
    name = trigger.spec.get("broker")
    if not isinstance(name, str) or inventory.find("Broker", _EVENTING, trigger.namespace, name):
        return
    if not _injected(trigger, name, trigger.namespace, inventory):
        yield _reference(trigger, "/spec/broker", f"Broker {trigger.namespace}/{name}")


def _injected(manifest: Manifest, name: str, namespace: str, inventory: Inventory) -> bool:
    """Whether a controller makes the default broker of the namespace by itself."""
    marks = (manifest.annotations, manifest.labels, inventory.namespace_labels(namespace))
    return name == "default" and any(mark.get(_INJECTION) == "enabled" for mark in marks)


def _reference(manifest: Manifest, place: str, to: str) -> Reference:
    note = f"{to} is not in the input"
    because = [Evidence(manifest.id, place, note)]
    return Reference(manifest.ref, str(manifest.ref), path(place), to, because)
