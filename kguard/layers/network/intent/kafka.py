# SPDX-License-Identifier: Apache-2.0
"""Who connects to the brokers of Kafka?

Authority: knative-extensions/eventing-kafka-broker data-plane/config/{source,broker,channel,sink}
(receivers produce, dispatchers consume) and control-plane/pkg/config (`bootstrap.servers` of the
ConfigMap that a Broker names; `kafka-broker-config` and `kafka-channel-config` by default).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory
from kguard.inventory.mentions import Mention, mentions
from kguard.layers.network.intent import components
from kguard.layers.network.intent.eventing import SOURCES
from kguard.layers.network.intent.model import Flow, Party, Target, flows
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.sinks import EVENTING, is_kafka_broker
from kguard.layers.network.intent.targets import targets
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, sequence, strings

_PORT = 9092
_BROKERS = (components.KAFKA_BROKER, components.KAFKA_TRIGGER)
_CHANNELS = (components.KAFKA_CHANNEL, components.KAFKA_SUBSCRIPTION)
_DEFAULTS = {"kafka-broker-config": _BROKERS, "kafka-channel-config": _CHANNELS}

_Servers = tuple[tuple[Party, ...], Manifest, str, str]
"""Who connects, the object, where it names the servers, and their text."""


def kafka_flows(names: Names) -> Iterator[Flow]:
    """Knative's Kafka data plane to the brokers that its objects name."""
    for sources, manifest, where, text in _servers(names.inventory):
        place = Evidence(manifest.id, where, f"{manifest.kind} {manifest.name} names it")
        for mention in mentions("brokers", text):
            found = _brokers(names, mention, manifest.namespace)
            for source in sources:
                yield from flows(source, found, place)


def _servers(inventory: Inventory) -> Iterator[_Servers]:
    for kind, group, source in (
        ("KafkaSource", SOURCES, components.KAFKA_SOURCE),
        ("KafkaSink", EVENTING, components.KAFKA_SINK),
    ):
        for manifest in inventory.of(kind, group):
            for text, where in _listed(manifest):
                yield (source,), manifest, where, text
    named = _named(inventory)
    for manifest in inventory.of("ConfigMap"):
        default = _DEFAULTS.get(manifest.name) if manifest.namespace == "knative-eventing" else None
        sources = _BROKERS if (manifest.namespace, manifest.name) in named else default
        text = strings(manifest.object.get("data")).get("bootstrap.servers", "")
        if sources and text:
            yield sources, manifest, pointer("data", "bootstrap.servers"), text


def _named(inventory: Inventory) -> set[tuple[str, str]]:
    """The ConfigMaps that Brokers of class Kafka name."""
    found = set()
    for manifest in inventory.of("Broker", EVENTING):
        config = strings(manifest.spec.get("config"))
        if is_kafka_broker(inventory, manifest.name, manifest.namespace) and config.get("name"):
            found.add((config.get("namespace") or manifest.namespace, config["name"]))
    return found


def _listed(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The bootstrap servers and where they stand; people also write one string for the list."""
    servers = manifest.spec.get("bootstrapServers")
    if isinstance(servers, str):
        yield servers, "/spec/bootstrapServers"
    for number, entry in enumerate(sequence(servers)):
        if isinstance(entry, str):
            yield entry, pointer("spec", "bootstrapServers", number)


def _brokers(names: Names, mention: Mention, namespace: str) -> list[Target]:
    whole = msgspec.structs.replace(mention, port=mention.port or _PORT)
    found = list(targets(names, whole, namespace))
    return [_as_kafka(target) for target in found] or _unknown(names, whole, namespace)


def _as_kafka(target: Target) -> Target:
    return msgspec.structs.replace(target, basis="kafka")


def _unknown(names: Names, mention: Mention, namespace: str) -> list[Target]:
    """Brokers that are not in the input: pods of another namespace, or a host outside."""
    space, _ = names.split(mention.host, namespace)
    party = (
        Party("pods", mention.host, namespace=space) if space else Party("address", mention.host)
    )
    return [Target(party, "TCP", mention.port, "kafka")]
