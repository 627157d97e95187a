# SPDX-License-Identifier: Apache-2.0
"""Which connections does Knative need to and from the pods that it runs?

Authority: knative/serving pkg/networking/constants.go (8012, 8013 and 8112 of the queue-proxy),
pkg/activator/net/revision_backends.go, pkg/autoscaler/metrics/stats_scraper.go (9090),
cmd/activator/main.go (the activator reports to the autoscaler at 8080);
knative/eventing pkg/reconciler/broker/trigger/trigger.go (broker-filter calls the subscriber),
config/channels/in-memory-channel; eventing-kafka-broker data-plane/config/source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload, knative
from kguard.layers.network.intent.gateways import knative_gateway, local_gateway
from kguard.layers.network.intent.model import Flow, Party, pods
from kguard.layers.network.intent.names import Names, mentions
from kguard.layers.network.intent.settings import to_service
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis
from kguard.model.locations import pointer, pointer_tokens
from kguard.model.manifests import Manifest, mapping, sequence, strings

ACTIVATOR = pods("Knative's activator", "knative-serving", app="activator")
AUTOSCALER = pods("Knative's autoscaler", "knative-serving", app="autoscaler")
_ROLE = "eventing.knative.dev/brokerRole"
FILTER = pods("Knative's broker filter", "knative-eventing", **{_ROLE: "filter"})
BROKER = pods("Knative's broker ingress", "knative-eventing", **{_ROLE: "ingress"})
DISPATCHER = pods(
    "Knative's channel dispatcher",
    "knative-eventing",
    **{"messaging.knative.dev/role": "dispatcher"},
)
KAFKA_SOURCE = pods("the KafkaSource dispatcher", "knative-eventing", app="kafka-source-dispatcher")
ADAPTER = pods(
    "Knative's source adapter", "knative-eventing", **{"sources.knative.dev/role": "adapter"}
)
_BROKER_PORT = 8080
_KAFKA_PORT = 9092
_STATISTICS = 8080
_SOURCES = "sources.knative.dev"
_MEMORY = ("PingSource", "ApiServerSource")


def serving_flows(inventory: Inventory, workloads: Sequence[Workload]) -> Iterator[Flow]:
    """Activator, autoscaler and gateway to the queue-proxy of every revision."""
    gateway = knative_gateway(inventory)
    tls = _internal_tls(inventory)
    for index, workload in enumerate(workloads):
        if workload.knative != "serving":
            continue
        target = Party("workload", workload.name, index=index)
        for source, ports in (
            (ACTIVATOR, queue_ports(workload, tls=tls)),
            (gateway, queue_ports(workload, tls=tls)),
            (AUTOSCALER, [knative.QUEUE_METRICS]),
        ):
            note = f"{source.name} must reach the queue-proxy of {workload.name}"
            place = Evidence(workload.id, workload.pod_pointer, note)
            for port in ports:
                yield Flow(source, target, "TCP", port, "knative", place)


def control_flows(inventory: Inventory) -> Iterator[Flow]:
    """What Knative's own components open of one another."""
    gateway = knative_gateway(inventory)
    edges = (
        (gateway, ACTIVATOR, (knative.QUEUE_HTTP1, knative.QUEUE_H2C)),
        (AUTOSCALER, ACTIVATOR, (knative.QUEUE_HTTP1,)),
        (ACTIVATOR, AUTOSCALER, (_STATISTICS,)),
        (BROKER, DISPATCHER, (_BROKER_PORT,)),
        (DISPATCHER, FILTER, (_BROKER_PORT,)),
        (FILTER, BROKER, (_BROKER_PORT,)),
    )
    for source, target, ports in edges:
        note = f"{source.name} must reach {target.name}"
        for port in ports:
            yield Flow(source, target, "TCP", port, "knative", Evidence(note=note))


def _internal_tls(inventory: Inventory) -> bool:
    """Whether Knative encrypts between its gateways and the queue-proxy (off by default)."""
    settings = inventory.find("ConfigMap", "", "knative-serving", "config-network")
    data = strings(settings.object.get("data")) if settings else {}
    return data.get("system-internal-tls", "").lower() == "enabled"


def queue_ports(workload: Workload, *, tls: bool) -> list[int]:
    """The ports on which the queue-proxy takes requests."""
    numbers = {port.number for port in workload.ports if port.container == "queue-proxy"}
    plain = {knative.QUEUE_HTTP1, knative.QUEUE_H2C}
    return sorted(numbers & ({knative.QUEUE_HTTPS} if tls else plain))


def eventing_flows(
    inventory: Inventory, workloads: Sequence[Workload], names: Names
) -> Iterator[Flow]:
    """Who delivers events to whom."""
    for manifest, source, field in _deliveries(inventory):
        destination = mapping(_at(manifest, field))
        place = Evidence(manifest.id, field, f"{manifest.kind} {manifest.name} delivers to it")
        yield from _to(source, destination, place, manifest, workloads, names)
    yield from _sinks(inventory, workloads)
    yield from _kafka(inventory, workloads, names)


def _deliveries(inventory: Inventory) -> Iterator[tuple[Manifest, Party, str]]:
    for manifest in inventory.of("Trigger", "eventing.knative.dev"):
        yield manifest, FILTER, "/spec/subscriber"
        yield manifest, FILTER, "/spec/delivery/deadLetterSink"
    for manifest in inventory.of("Subscription", "messaging.knative.dev"):
        for field in ("/spec/subscriber", "/spec/reply", "/spec/delivery/deadLetterSink"):
            yield manifest, DISPATCHER, field
    for kind in _MEMORY:
        for manifest in inventory.of(kind, _SOURCES):
            yield manifest, ADAPTER, "/spec/sink"
    for manifest in inventory.of("KafkaSource", _SOURCES):
        yield manifest, KAFKA_SOURCE, "/spec/sink"
    for manifest in inventory.of("Sequence", "flows.knative.dev"):
        for number in range(len(sequence(manifest.spec.get("steps")))):
            yield manifest, DISPATCHER, f"/spec/steps/{number}"
        yield manifest, DISPATCHER, "/spec/reply"


def _at(manifest: Manifest, place: str) -> object:
    found: object = manifest.object
    for token in pointer_tokens(place):
        if isinstance(found, list):
            index = int(token) if token.isdigit() else len(found)
            found = found[index] if index < len(found) else None
        else:
            found = mapping(found).get(token)
    return found


def _to(
    source: Party,
    destination: dict[str, object],
    place: Evidence,
    manifest: Manifest,
    workloads: Sequence[Workload],
    names: Names,
) -> Iterator[Flow]:
    words = strings(destination.get("ref"))
    if words.get("kind") == "Service" and words.get("apiVersion", "v1") == "v1":
        host = f"{words.get('name', '')}.{words.get('namespace', manifest.namespace)}"
        service = names.service(host, manifest.namespace)
        if service is not None:
            # An http sink without a port in its address is called on port 80, if there is one.
            port = 80 if service.port(80) else 0
            for flow in to_service(source, service, port, place, workloads):
                yield _as(flow, "eventing")
    uri = strings(destination).get("uri", "")
    for mention in mentions("uri", uri) if "://" in uri else ():
        service = names.service(mention.host, manifest.namespace)
        if service is not None:
            for flow in to_service(source, service, mention.port, place, workloads):
                yield _as(flow, "eventing")


def _as(flow: Flow, basis: Basis) -> Flow:
    return msgspec.structs.replace(flow, basis=basis)


def _sinks(inventory: Inventory, workloads: Sequence[Workload]) -> Iterator[Flow]:
    """ContainerSource pods and SinkBinding subjects send to a broker or a Knative Service."""
    bound = {
        (m.namespace, name): m
        for m in inventory.of("SinkBinding", _SOURCES)
        for name in _subject(m)
    }
    for index, workload in enumerate(workloads):
        own = workload.manifest.kind == "ContainerSource"
        manifest = workload.manifest if own else bound.get((workload.namespace, workload.name))
        if manifest is None:
            continue
        source = Party("workload", workload.name, index=index)
        sink = strings(mapping(manifest.spec.get("sink")).get("ref"))
        note = f"{manifest.kind} {manifest.name} sends its events there"
        place = Evidence(manifest.id, "/spec/sink", note)
        if sink.get("kind") == "Broker":
            yield Flow(source, BROKER, "TCP", _BROKER_PORT, "eventing", place)
        elif sink.get("apiVersion", "").startswith(knative.SERVING):
            gateway, port = local_gateway(inventory, tls=False)
            yield Flow(source, gateway, "TCP", port, "eventing", place)


def _subject(manifest: Manifest) -> list[str]:
    name = strings(manifest.spec.get("subject")).get("name")
    return [name] if name else []


def _kafka(inventory: Inventory, workloads: Sequence[Workload], names: Names) -> Iterator[Flow]:
    """The dispatcher of KafkaSources to the brokers and to the Broker that takes its events."""
    for manifest in inventory.of("KafkaSource", _SOURCES):
        for text, where in _servers(manifest):
            note = f"KafkaSource {manifest.name} reads from it"
            place = Evidence(manifest.id, where, note)
            for mention in mentions("brokers", text):
                service = names.service(mention.host, manifest.namespace)
                if service is not None:
                    for flow in to_service(KAFKA_SOURCE, service, mention.port, place, workloads):
                        yield _as(flow, "kafka")
                else:
                    broker = _elsewhere(mention.host, names, manifest)
                    port = mention.port or _KAFKA_PORT
                    yield Flow(KAFKA_SOURCE, broker, "TCP", port, "kafka", place)
        sink = strings(mapping(manifest.spec.get("sink")).get("ref"))
        if sink.get("kind") == "Broker":
            note = f"KafkaSource {manifest.name} sends its events there"
            place = Evidence(manifest.id, "/spec/sink", note)
            yield Flow(KAFKA_SOURCE, BROKER, "TCP", _BROKER_PORT, "eventing", place)


def _servers(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The bootstrap servers and where they stand; people also write one string for the list."""
    servers = manifest.spec.get("bootstrapServers")
    if isinstance(servers, str):
        yield servers, "/spec/bootstrapServers"
    for number, entry in enumerate(sequence(servers)):
        if isinstance(entry, str):
            yield entry, pointer("spec", "bootstrapServers", number)


def _elsewhere(host: str, names: Names, manifest: Manifest) -> Party:
    """Brokers that are not in the input: pods of another namespace, or a host outside."""
    namespace, _ = names.split(host, manifest.namespace)
    if namespace:
        return Party("pods", host, namespace=namespace)
    return Party("address", host)
