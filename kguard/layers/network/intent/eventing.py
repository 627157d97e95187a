# SPDX-License-Identifier: Apache-2.0
"""Who delivers events to whom?

Authority: knative/eventing pkg/reconciler/broker/trigger/trigger.go (broker-filter calls the
subscriber, takes its reply to the broker and calls the dead letter sink), pkg/reconciler/
{subscription,sequence,parallel} (the channel's dispatcher calls subscribers and replies),
pkg/adapter/mtping, pkg/reconciler/apiserversource (an adapter beside the source),
pkg/reconciler/sinkbinding (`spec.subject` by name or selector gets `K_SINK`);
eventing-kafka-broker data-plane/config (receivers and dispatchers of their own).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.layers.network.intent import components
from kguard.layers.network.intent.model import Flow, Party, Target, flows
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.sinks import (
    EVENTING,
    MESSAGING,
    is_kafka_broker,
    is_kafka_channel,
    made_of_kafka,
    reached,
)
from kguard.layers.network.intent.targets import api_server
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer, pointer_tokens
from kguard.model.manifests import Manifest, mapping, sequence, strings

SOURCES = "sources.knative.dev"
_FLOWS = "flows.knative.dev"
_DEAD = "/spec/delivery/deadLetterSink"
_OWN_PODS = ("ContainerSource", "SinkBinding")
"""Sources whose senders are workloads of the input."""

_Delivery = tuple[Manifest, Party, str]
"""The object, who delivers, and where the object names the destination."""


def eventing_flows(names: Names) -> Iterator[Flow]:
    """Every delivery that Eventing objects ask for."""
    for manifest, source, field in _deliveries(names.inventory):
        note = f"{manifest.kind} {manifest.name} delivers to it"
        yield from _sent(names, manifest, source, field, note)
    for source, manifest in _senders(names):
        note = f"{manifest.kind} {manifest.name} sends its events there"
        yield from _sent(names, manifest, source, "/spec/sink", note)
    for manifest in names.inventory.of("ApiServerSource", SOURCES):
        source = components.adapter("apiserver-source", manifest.name, manifest.namespace)
        place = Evidence(manifest.id, "/spec/resources", f"{manifest.name} watches objects")
        yield from flows(source, list(api_server(names)), place)


def _sent(names: Names, manifest: Manifest, source: Party, field: str, note: str) -> Iterator[Flow]:
    found = [
        _as_event(t) for t in reached(names, mapping(_at(manifest, field)), manifest.namespace)
    ]
    yield from flows(source, found, Evidence(manifest.id, field, note))


def _as_event(target: Target) -> Target:
    return (
        target if target.basis == "outside" else msgspec.structs.replace(target, basis="eventing")
    )


def control_flows() -> Iterator[Flow]:
    """What Eventing's own components open of one another."""
    edges = (
        (components.BROKER, components.DISPATCHER),
        (components.DISPATCHER, components.FILTER),
        (components.FILTER, components.BROKER),
    )
    for source, target in edges:
        note = f"{source.name} must reach {target.name}"
        yield Flow(source, target, "TCP", components.HTTP, "knative", Evidence(note=note))


def _deliveries(inventory: Inventory) -> Iterator[_Delivery]:
    for manifest in inventory.of("Trigger", EVENTING):
        broker = strings(manifest.spec).get("broker", "default")
        source = _filter(inventory, broker, manifest.namespace)
        for field in ("/spec/subscriber", _DEAD):
            yield manifest, source, field
    for manifest in inventory.of("Broker", EVENTING):
        yield manifest, _filter(inventory, manifest.name, manifest.namespace), _DEAD
    for manifest in inventory.of("Subscription", MESSAGING):
        channel = strings(manifest.spec.get("channel"))
        source = _dispatcher(
            kafka=is_kafka_channel(
                inventory,
                channel.get("kind", "Channel"),
                channel.get("name", ""),
                manifest.namespace,
            )
        )
        for field in ("/spec/subscriber", "/spec/reply", _DEAD):
            yield manifest, source, field
    yield from _channels(inventory)
    yield from _chains(inventory)


def _filter(inventory: Inventory, broker: str, namespace: str) -> Party:
    kafka = is_kafka_broker(inventory, broker, namespace)
    return components.KAFKA_TRIGGER if kafka else components.FILTER


def _dispatcher(*, kafka: bool) -> Party:
    return components.KAFKA_SUBSCRIPTION if kafka else components.DISPATCHER


def _channels(inventory: Inventory) -> Iterator[_Delivery]:
    for kind in ("Channel", "InMemoryChannel", "KafkaChannel"):
        for manifest in inventory.of(kind, MESSAGING):
            kafka = is_kafka_channel(inventory, kind, manifest.name, manifest.namespace)
            yield manifest, _dispatcher(kafka=kafka), _DEAD


def _chains(inventory: Inventory) -> Iterator[_Delivery]:
    """The channels between the steps of a Sequence and before the branches of a Parallel."""
    for manifest in inventory.of("Sequence", _FLOWS):
        source = _dispatcher(kafka=made_of_kafka(manifest))
        for number in range(len(sequence(manifest.spec.get("steps")))):
            place = pointer("spec", "steps", number)
            yield manifest, source, place
            yield manifest, source, f"{place}/delivery/deadLetterSink"
        yield manifest, source, "/spec/reply"
    for manifest in inventory.of("Parallel", _FLOWS):
        source = _dispatcher(kafka=made_of_kafka(manifest))
        for number in range(len(sequence(manifest.spec.get("branches")))):
            for part in ("filter", "subscriber", "reply", "delivery/deadLetterSink"):
                yield manifest, source, f"{pointer('spec', 'branches', number)}/{part}"
        yield manifest, source, "/spec/reply"


def _at(manifest: Manifest, place: str) -> object:
    found: object = manifest.object
    for token in pointer_tokens(place):
        if isinstance(found, list):
            index = int(token) if token.isascii() and token.isdigit() else len(found)
            found = found[index] if index < len(found) else None
        else:
            found = mapping(found).get(token)
    return found


def _senders(names: Names) -> Iterator[tuple[Party, Manifest]]:
    """Who sends to `spec.sink`: adapters, the pods of ContainerSources, bound workloads."""
    for manifest in names.inventory.groups.get(SOURCES, ()):
        if manifest.kind not in _OWN_PODS:
            yield _adapter(manifest), manifest
    for manifest in names.inventory.of("SinkBinding", SOURCES):
        for index, workload in enumerate(names.workloads):
            if _is_bound(workload, manifest):
                yield names.parties[index], manifest
    for index, workload in enumerate(names.workloads):
        if workload.manifest.kind == "ContainerSource":
            yield names.parties[index], workload.manifest


def _adapter(manifest: Manifest) -> Party:
    match manifest.kind:
        case "PingSource":
            return components.ADAPTER
        case "ApiServerSource":
            return components.adapter("apiserver-source", manifest.name, manifest.namespace)
        case "KafkaSource":
            return components.KAFKA_SOURCE
    name = f"the adapter of {manifest.kind} {manifest.name}"
    return Party("pods", name, namespace=manifest.namespace)


def _is_bound(workload: Workload, binding: Manifest) -> bool:
    """Whether a SinkBinding is about a workload: by kind, and by name or labels of the object."""
    subject = mapping(binding.spec.get("subject"))
    words = strings(subject)
    where = words.get("namespace") or binding.namespace
    if (workload.namespace, workload.manifest.kind) != (where, words.get("kind", "")):
        return False
    if words.get("name"):
        return workload.name == words["name"]
    try:
        selector = parse_selector(subject.get("selector"))
    except InvalidSelectorError:
        return False
    return selector is not None and selector.matches(workload.manifest.labels)
