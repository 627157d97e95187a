# SPDX-License-Identifier: Apache-2.0
"""Which connections does the cluster itself need: names, webhooks, metrics, the mesh?

Authority: kubernetes.io "Debugging DNS Resolution" (the resolver's pods carry `k8s-app:
kube-dns`); admissionregistration/v1 types.go (clientConfig.service); istio.io "Application
requirements" (a sidecar fetches its configuration from istiod on 15012). Probes of the kubelet
come from the pod's own node, which NetworkPolicy v1 always admits (networking/v1 types.go), and
are no flows here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.inventory.mesh import Mesh
from kguard.layers.network.intent.model import Flow, Party, pods, somewhere
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.settings import to_service
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import mapping, sequence, strings

DNS = pods("cluster DNS", "kube-system", k8s_app="kube-dns")
DNS_PORT = 53
XDS_PORT = 15012
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_SCRAPE = ("prometheus.io/scrape", "true")


def dns_flows(workloads: Sequence[Workload], flows: Sequence[Flow]) -> Iterator[Flow]:
    """Whoever names another host must be able to resolve it."""
    seen: set[int] = set()
    for flow in flows:
        index = flow.source.index
        if index in seen or flow.source.kind != "workload":
            continue
        seen.add(index)
        found = dns_of(index, workloads[index])
        because = Evidence(flow.because.ref, flow.because.pointer, found.because.note)
        yield msgspec.structs.replace(found, because=because)


def dns_of(index: int, workload: Workload) -> Flow:
    """A workload to the cluster's DNS."""
    note = f"{workload.name} must resolve the names that it is given"
    because = Evidence(workload.id, workload.pod_pointer, note)
    source = Party("workload", workload.name, index=index)
    return Flow(source, DNS, "UDP", DNS_PORT, "dns", because)


def webhook_flows(
    inventory: Inventory, workloads: Sequence[Workload], names: Names
) -> Iterator[Flow]:
    """The API server to admission webhooks."""
    for kind in _WEBHOOKS:
        for manifest in inventory.of(kind, "admissionregistration.k8s.io"):
            for number, entry in enumerate(sequence(manifest.object.get("webhooks"))):
                client = mapping(mapping(mapping(entry).get("clientConfig")).get("service"))
                words = strings(client)
                host = f"{words.get('name', '')}.{words.get('namespace', '')}"
                service = names.service(host, "")
                if service is None:
                    continue
                port = client.get("port") if type(client.get("port")) is int else 443
                place = pointer("webhooks", number, "clientConfig", "service")
                because = Evidence(manifest.id, place, f"{kind} {manifest.name} calls it")
                source = Party("address", "the API server")
                for flow in to_service(source, service, port or 443, because, workloads):
                    yield msgspec.structs.replace(flow, basis="webhook")


def metrics_flows(workloads: Sequence[Workload]) -> Iterator[Flow]:
    """Prometheus to the pods that ask to be scraped."""
    key, value = _SCRAPE
    for index, workload in enumerate(workloads):
        port = workload.annotations.get("prometheus.io/port", "")
        if workload.annotations.get(key) != value or not port.isdigit():
            continue
        place = f"{workload.pod_metadata_pointer}/annotations/prometheus.io~1port"
        because = Evidence(workload.id, place, f"{workload.name} asks to be scraped")
        target = Party("workload", workload.name, index=index)
        yield Flow(somewhere("Prometheus"), target, "TCP", int(port), "metrics", because)


def mesh_flows(inventory: Inventory, workloads: Sequence[Workload]) -> Iterator[Flow]:
    """Sidecars to istiod."""
    if not any(manifest.group.endswith("istio.io") for manifest in inventory.manifests):
        return
    mesh = Mesh(inventory)
    istiod = pods("istiod", mesh.root, app="istiod")
    for index, workload in enumerate(workloads):
        enrolled = mesh.enrolment(workload)
        if enrolled.plane == "sidecar":
            place = enrolled.because[0] if enrolled.because else Evidence(workload.id)
            note = f"the sidecar of {workload.name} gets its configuration from istiod"
            because = Evidence(place.ref, place.pointer, note)
            source = Party("workload", workload.name, index=index)
            yield Flow(source, istiod, "TCP", XDS_PORT, "mesh", because)
