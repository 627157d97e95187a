# SPDX-License-Identifier: Apache-2.0
"""Which pods do well-known systems run that applications and the cluster talk to?

Authority: knative/serving config/core/deployments/{activator,autoscaler,webhook}.yaml;
knative/eventing config/brokers/mt-channel-broker/deployments, config/channels/in-memory-channel,
pkg/reconciler/apiserversource/resources/labels.go; knative-extensions/eventing-kafka-broker
data-plane/config/{broker,channel,sink,source}/*.yaml; net-istio, net-kourier and net-contour
(Knative's gateways); the labels that prometheus-operator and the Prometheus charts set.
"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.network.intent.model import Party, pods, somewhere

API_SERVER = "the API server"
API_PORTS = (443, 6443)
"""Where API servers listen, if nothing tells: plugins judge the port of the endpoint."""

HTTP = 8080
"""Where Knative Eventing's receivers listen on their pods (8443 with transport encryption)."""

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
ADAPTER = pods(
    "Knative's source adapter", "knative-eventing", **{"sources.knative.dev/role": "adapter"}
)
JOB_SINK = pods("Knative's job sink", "knative-eventing", **{"sinks.knative.dev/sink": "job-sink"})


def _kafka(words: str, app: str) -> Party:
    return pods(words, "knative-eventing", app=app)


KAFKA_SOURCE = _kafka("the KafkaSource dispatcher", "kafka-source-dispatcher")
KAFKA_BROKER = _kafka("the Kafka broker receiver", "kafka-broker-receiver")
KAFKA_TRIGGER = _kafka("the Kafka broker dispatcher", "kafka-broker-dispatcher")
KAFKA_CHANNEL = _kafka("the Kafka channel receiver", "kafka-channel-receiver")
KAFKA_SUBSCRIPTION = _kafka("the Kafka channel dispatcher", "kafka-channel-dispatcher")
KAFKA_SINK = _kafka("the Kafka sink receiver", "kafka-sink-receiver")

SERVICES: Mapping[tuple[str, str], Party] = {
    ("knative-eventing", "broker-ingress"): BROKER,
    ("knative-eventing", "broker-filter"): FILTER,
    ("knative-eventing", "imc-dispatcher"): DISPATCHER,
    ("knative-eventing", "job-sink"): JOB_SINK,
    ("knative-eventing", "kafka-broker-ingress"): KAFKA_BROKER,
    ("knative-eventing", "kafka-channel-ingress"): KAFKA_CHANNEL,
    ("knative-eventing", "kafka-sink-ingress"): KAFKA_SINK,
}
"""The receivers behind the Services that senders name, by namespace and name."""

PROMETHEUS = somewhere(
    "Prometheus", pods("Prometheus", "", **{"app.kubernetes.io/name": "prometheus"})
)
"""In whatever namespace: its charts and its operator set this label."""

ISTIO_GATEWAY = pods("the Istio ingress gateway", "istio-system", istio="ingressgateway")
KOURIER_GATEWAY = pods("the Kourier gateway", "kourier-system", app="3scale-kourier-gateway")
KNATIVE_GATEWAY = somewhere(
    "Knative's gateway",
    ISTIO_GATEWAY,
    KOURIER_GATEWAY,
    pods("the Contour gateway", "contour-external", app="envoy"),
    pods("the Contour gateway", "contour-internal", app="envoy"),
)
"""Whichever of them is installed, where nothing in the input tells."""


def adapter(source: str, name: str, namespace: str) -> Party:
    """The adapter that the controller of an ApiServerSource runs beside it."""
    labels = {
        "eventing.knative.dev/source": f"{source}-controller",
        "eventing.knative.dev/sourceName": name,
    }
    return pods(f"the adapter of {name}", namespace, **labels)
