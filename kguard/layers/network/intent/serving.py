# SPDX-License-Identifier: Apache-2.0
"""Which connections does Knative Serving need, to the pods that it runs and among its own?

Authority: knative/serving pkg/networking/constants.go (8012, 8013 and 8112 of the queue-proxy, 9090
and 9091 for metrics), pkg/activator/net/revision_backends.go, pkg/autoscaler/metrics/
stats_scraper.go (9090), pkg/autoscaler/statforwarder (8080 between autoscalers),
cmd/activator/main.go (the activator reports to the autoscaler at 8080), pkg/reconciler/revision/
resolve.go (tags to digests); net-istio pkg/reconciler/ingress/lister.go and net-kourier (status
probes of the gateway, xDS at 18000).
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Inventory, Workload, knative
from kguard.layers.network.intent.components import ACTIVATOR, AUTOSCALER
from kguard.layers.network.intent.gateways import knative_gateway
from kguard.layers.network.intent.model import Flow, Party, pods
from kguard.layers.network.intent.names import Names
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis
from kguard.model.manifests import strings

_STATISTICS = 8080
_XDS = 18000
_GATEWAY_PORTS = (8080, 8081, 8443, 8444)
_PROBERS = (
    pods("Knative's Istio controller", "knative-serving", app="net-istio-controller"),
    pods("Knative's Kourier controller", "knative-serving", app="net-kourier-controller"),
)
_CONTROLLER = pods("Knative's controller", "knative-serving", app="controller")


def serving_flows(names: Names) -> Iterator[Flow]:
    """Activator, autoscaler and gateway to the queue-proxy of every revision."""
    gateway = knative_gateway(names.inventory)
    tls = _internal_tls(names.inventory)
    for index, workload in enumerate(names.workloads):
        if workload.knative != "serving":
            continue
        target = names.parties[index]
        for source, ports in (
            (ACTIVATOR, queue_ports(workload, tls=tls)),
            (gateway, queue_ports(workload, tls=tls)),
            (AUTOSCALER, [knative.QUEUE_METRICS]),
        ):
            note = f"{source.name} must reach the queue-proxy of {workload.name}"
            place = Evidence(workload.id, workload.pod_pointer, note)
            for port in ports:
                yield Flow(source, target, "TCP", port, "knative", place)


def control_flows(names: Names) -> Iterator[Flow]:
    """What Knative Serving's own components open of one another."""
    gateway = knative_gateway(names.inventory)
    kourier, istio = _PROBERS[1], _PROBERS[0]
    edges: list[tuple[Party, Party, tuple[int, ...]]] = [
        (gateway, ACTIVATOR, (knative.QUEUE_HTTP1, knative.QUEUE_H2C)),
        (AUTOSCALER, ACTIVATOR, (knative.QUEUE_HTTP1,)),
        (ACTIVATOR, AUTOSCALER, (_STATISTICS,)),
        (AUTOSCALER, AUTOSCALER, (_STATISTICS,)),
        (_CONTROLLER, Party("address", "image registries"), (443,)),
    ]
    if gateway.namespace == "kourier-system":
        edges += [(gateway, kourier, (_XDS,)), (kourier, gateway, _GATEWAY_PORTS)]
    else:
        edges.append((istio, gateway, _GATEWAY_PORTS))
    for source, target, ports in edges:
        place = _component(names, source, f"{source.name} must reach {target.name}")
        for port in ports:
            basis: Basis = "outside" if target.kind == "address" else "knative"
            yield Flow(source, target, "TCP", port, basis, place)


def _component(names: Names, party: Party, note: str) -> Evidence:
    """The workload that runs a component, if it is in the input."""
    labels = dict(party.labels).items()
    for workload in names.inventory.workloads_by_namespace.get(party.namespace, ()):
        if labels <= workload.labels.items():
            return Evidence(workload.id, workload.pod_pointer, note)
    return Evidence(note=note)


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
