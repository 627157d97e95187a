# SPDX-License-Identifier: Apache-2.0
"""Where do events go that are sent to an addressable object or a URI?

Authority: knative/pkg apis/duck/v1/destination.go (`ref` or `uri`), knative/eventing
pkg/apis/eventing/v1 (annotation `eventing.knative.dev/broker.class`), pkg/reconciler/{channel,
sequence,parallel} (their address is the one of their channel), eventing-kafka-broker
control-plane (a Broker of class Kafka and a KafkaChannel are addressed at their receivers).
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Inventory, knative
from kguard.inventory.mentions import Mention, mentions
from kguard.layers.network.intent import components
from kguard.layers.network.intent.gateways import local_gateway
from kguard.layers.network.intent.model import Party, Target
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.targets import behind, targets
from kguard.model.manifests import JsonObject, Manifest, mapping, strings

MESSAGING = "messaging.knative.dev"
EVENTING = "eventing.knative.dev"
_BROKER_CLASS = "eventing.knative.dev/broker.class"
_FLOWS = ("Sequence", "Parallel")
_HTTP_PORT = 80


def reached(names: Names, destination: JsonObject, namespace: str) -> Iterator[Target]:
    """The pods that take events for a destination of an object in a namespace."""
    ref = strings(destination.get("ref"))
    if ref.get("name"):
        yield from _referenced(names, ref, ref.get("namespace") or namespace)
        return
    uri = strings(destination).get("uri", "")
    for mention in mentions("uri", uri) if "://" in uri else ():
        yield from targets(names, mention, namespace)


def _referenced(names: Names, ref: dict[str, str], namespace: str) -> Iterator[Target]:
    kind, group = ref.get("kind", ""), ref.get("apiVersion", "v1").rpartition("/")[0]
    if (kind, group) == ("Service", ""):
        yield from _service(names, ref["name"], namespace)
    elif group == knative.SERVING and kind in ("Service", "Route"):
        gateway, port = local_gateway(names.inventory, tls=False)
        yield Target(gateway, "TCP", port, "eventing", f" (through {gateway.name})")
    else:
        receiver = _receiver(names.inventory, kind, ref["name"], namespace)
        if receiver is not None:
            yield Target(receiver, "TCP", components.HTTP, "eventing")


def _service(names: Names, name: str, namespace: str) -> Iterator[Target]:
    service = names.service(f"{name}.{namespace}", namespace)
    if service is None:
        yield from targets(names, Mention(f"{name}.{namespace}.svc", _HTTP_PORT), namespace)
    else:
        # A sink without a port in its address is called on port 80, if there is one.
        yield from behind(names, service, _HTTP_PORT if service.port(_HTTP_PORT) else 0)


def _receiver(inventory: Inventory, kind: str, name: str, namespace: str) -> Party | None:
    match kind:
        case "Broker":
            kafka = is_kafka_broker(inventory, name, namespace)
            return components.KAFKA_BROKER if kafka else components.BROKER
        case "KafkaChannel":
            return components.KAFKA_CHANNEL
        case "Channel" | "InMemoryChannel" | "Sequence" | "Parallel":
            kafka = is_kafka_channel(inventory, kind, name, namespace)
            return components.KAFKA_CHANNEL if kafka else components.DISPATCHER
        case "KafkaSink":
            return components.KAFKA_SINK
        case "JobSink":
            return components.JOB_SINK
    return None


def is_kafka_broker(inventory: Inventory, name: str, namespace: str) -> bool:
    """Whether a Broker keeps its events in Kafka."""
    found = inventory.find("Broker", EVENTING, namespace, name)
    return found is not None and found.annotations.get(_BROKER_CLASS, "").startswith("Kafka")


def is_kafka_channel(inventory: Inventory, kind: str, name: str, namespace: str) -> bool:
    """Whether a channel, or the one that a flow makes, keeps its events in Kafka."""
    if kind in ("KafkaChannel", "InMemoryChannel"):
        return kind == "KafkaChannel"
    group = "flows.knative.dev" if kind in _FLOWS else MESSAGING
    found = inventory.find(kind, group, namespace, name)
    return found is not None and made_of_kafka(found)


def made_of_kafka(manifest: Manifest) -> bool:
    """Whether a channel template asks for a KafkaChannel."""
    template = mapping(manifest.spec.get("channelTemplate"))
    return strings(template).get("kind") == "KafkaChannel"
