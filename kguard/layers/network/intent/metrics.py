# SPDX-License-Identifier: Apache-2.0
"""Who fetches metrics of whom?

Authority: prometheus-operator pkg/apis/monitoring/v1 (ServiceMonitor, PodMonitor, Probe; pods of a
Prometheus carry `app.kubernetes.io/name: prometheus` and `prometheus: NAME`); the annotations
that Prometheus' own examples read (prometheus.io/scrape, /port); istio.io "Integrations,
Prometheus" (a sidecar offers the merged metrics at 15020, its own at 15090).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.inventory import Workload
from kguard.inventory.mentions import Mention
from kguard.inventory.mesh import Mesh
from kguard.inventory.monitors import GROUP, Monitor, monitors, servers
from kguard.layers.network.intent import components
from kguard.layers.network.intent.model import Flow, Party, Target, flows
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.targets import behind, targets
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import strings

_SCRAPE = ("prometheus.io/scrape", "true")
_MERGED = 15020


def metrics_flows(names: Names) -> Iterator[Flow]:
    """Prometheus to everything that asks to be scraped."""
    sources = list(_servers(names))
    mesh = Mesh(names.inventory)
    for found, place in (
        *_annotated_pods(names, mesh),
        *_annotated_services(names),
        *_monitored(names),
    ):
        for source in sources:
            yield from flows(source, found, place)


_Scrape = tuple[list[Target], Evidence]


def _servers(names: Names) -> Iterator[Party]:
    """The pods of Prometheus: as its operator makes them, as the input runs them, or somewhere."""
    found = [
        Party(
            "pods",
            f"Prometheus {manifest.name}",
            namespace=manifest.namespace,
            labels=(("app.kubernetes.io/name", "prometheus"), ("prometheus", manifest.name)),
        )
        for kind in ("Prometheus", "PrometheusAgent")
        for manifest in names.inventory.of(kind, GROUP)
    ]
    running = {workload.id for workload in servers(names.inventory)}
    for index, workload in enumerate(names.workloads):
        if workload.id in running:
            found.append(names.parties[index])
    yield from found or [components.PROMETHEUS]


def _annotated_pods(names: Names, mesh: Mesh) -> Iterator[_Scrape]:
    key, value = _SCRAPE
    for index, workload in enumerate(names.workloads):
        port = workload.annotations.get("prometheus.io/port", "")
        if workload.annotations.get(key) != value or not port_number(port):
            continue
        place = f"{workload.pod_metadata_pointer}/annotations/prometheus.io~1port"
        because = Evidence(workload.id, place, f"{workload.name} asks to be scraped")
        number = _MERGED if _is_merged(mesh, workload) else port_number(port)
        party = names.parties[index]
        yield [Target(party, "TCP", number, "metrics")], because


def _is_merged(mesh: Mesh, workload: Workload) -> bool:
    """Whether the sidecar answers for the application: the injector rewrites the annotations."""
    merges = workload.annotations.get("prometheus.istio.io/merge-metrics", "true") != "false"
    return merges and mesh.enrolment(workload).plane == "sidecar"


def _annotated_services(names: Names) -> Iterator[_Scrape]:
    key, value = _SCRAPE
    for service in names.services:
        annotations = service.manifest.annotations
        if annotations.get(key) == value:
            port = annotations.get("prometheus.io/port", "")
            note = f"Service {service.manifest.name} asks to be scraped"
            place = "/metadata" + pointer("annotations", key)
            found = _metrics(behind(names, service, 0))
            if port_number(port):
                found = [Target(t.party, "TCP", port_number(port), "metrics") for t in found]
            yield found, Evidence(service.manifest.id, place, note)


def _metrics(found: Iterable[Target]) -> list[Target]:
    return [Target(t.party, t.protocol, t.port, "metrics", t.note) for t in found]


def _monitored(names: Names) -> Iterator[_Scrape]:
    for monitor in monitors(names.inventory, "ServiceMonitor"):
        yield from _service_monitor(names, monitor)
    for monitor in monitors(names.inventory, "PodMonitor"):
        yield from _pod_monitor(names, monitor)
    for manifest in names.inventory.of("Probe", GROUP):
        url = strings(manifest.spec.get("prober")).get("url", "")
        host, _, port = url.partition(":")
        if host:
            mention = Mention(host, port_number(port) or 80)
            place = Evidence(manifest.id, "/spec/prober/url", f"Probe {manifest.name} asks it")
            yield _metrics(targets(names, mention, manifest.namespace)), place


def _service_monitor(names: Names, monitor: Monitor) -> Iterator[_Scrape]:
    for service in names.services:
        if not monitor.selects(service.manifest.namespace, service.manifest.labels):
            continue
        for entry in monitor.endpoints:
            if entry.of_service:
                yield _metrics(behind(names, service, entry.port)), entry.place
            else:
                yield _at(names, service.workloads, entry.port), entry.place


def _pod_monitor(names: Names, monitor: Monitor) -> Iterator[_Scrape]:
    chosen = [
        index
        for index, workload in enumerate(names.workloads)
        if monitor.selects(workload.namespace, workload.labels)
    ]
    for entry in monitor.endpoints:
        yield _at(names, chosen, entry.port), entry.place


def _at(names: Names, indexes: Iterable[int], port: object) -> list[Target]:
    """The port of pods, by number or by the name that their containers give it."""
    found = []
    for index in indexes:
        declared = names.workloads[index].ports
        numbers = {port} if type(port) is int else {p.number for p in declared if p.name == port}
        party = names.parties[index]
        found += [Target(party, "TCP", number, "metrics") for number in sorted(numbers)]
    return found
