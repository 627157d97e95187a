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
from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.layers.network.intent import components
from kguard.layers.network.intent.model import Flow, Party, Target, flows, member
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.targets import behind, targets
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_GROUP = "monitoring.coreos.com"
_SCRAPE = ("prometheus.io/scrape", "true")
_MERGED = 15020
_IMAGES = ("prom/prometheus", "prometheus/prometheus")


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
        for manifest in names.inventory.of(kind, _GROUP)
    ]
    for index, workload in enumerate(names.workloads):
        if any(_runs_prometheus(container.image) for container in workload.containers):
            found.append(member(names.workloads, index))
    yield from found or [components.PROMETHEUS]


def _runs_prometheus(image: str) -> bool:
    name = image.partition("@")[0]
    name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return name.endswith(_IMAGES)


def _annotated_pods(names: Names, mesh: Mesh) -> Iterator[_Scrape]:
    key, value = _SCRAPE
    for index, workload in enumerate(names.workloads):
        port = workload.annotations.get("prometheus.io/port", "")
        if workload.annotations.get(key) != value or not port_number(port):
            continue
        place = f"{workload.pod_metadata_pointer}/annotations/prometheus.io~1port"
        because = Evidence(workload.id, place, f"{workload.name} asks to be scraped")
        number = _MERGED if _is_merged(mesh, workload) else port_number(port)
        party = member(names.workloads, index)
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
    for manifest in names.inventory.of("ServiceMonitor", _GROUP):
        yield from _service_monitor(names, manifest)
    for manifest in names.inventory.of("PodMonitor", _GROUP):
        yield from _pod_monitor(names, manifest)
    for manifest in names.inventory.of("Probe", _GROUP):
        url = strings(manifest.spec.get("prober")).get("url", "")
        host, _, port = url.partition(":")
        if host:
            mention = Mention(host, port_number(port) or 80)
            place = Evidence(manifest.id, "/spec/prober/url", f"Probe {manifest.name} asks it")
            yield _metrics(targets(names, mention, manifest.namespace)), place


def _service_monitor(names: Names, manifest: Manifest) -> Iterator[_Scrape]:
    selector = _selector(manifest)
    for service in names.services:
        labels = service.manifest.labels
        inside = _inside(manifest, service.manifest.namespace)
        if selector is None or not inside or not selector.matches(labels):
            continue
        for number, entry in enumerate(_endpoints(manifest, "endpoints")):
            port = entry.get("port") or entry.get("targetPort")
            note = f"ServiceMonitor {manifest.name} scrapes it"
            place = Evidence(manifest.id, pointer("spec", "endpoints", number), note)
            if isinstance(port, str) and "port" in entry:
                yield _metrics(behind(names, service, port)), place
            else:
                yield _at(names, service.workloads, port), place


def _pod_monitor(names: Names, manifest: Manifest) -> Iterator[_Scrape]:
    selector = _selector(manifest)
    if selector is None:
        return
    chosen = [
        index
        for index, workload in enumerate(names.workloads)
        if _inside(manifest, workload.namespace) and selector.matches(workload.labels)
    ]
    for number, entry in enumerate(_endpoints(manifest, "podMetricsEndpoints")):
        port = entry.get("port") or entry.get("portNumber") or entry.get("targetPort")
        note = f"PodMonitor {manifest.name} scrapes it"
        place = Evidence(manifest.id, pointer("spec", "podMetricsEndpoints", number), note)
        yield _at(names, chosen, port), place


def _endpoints(manifest: Manifest, field: str) -> list[dict[str, object]]:
    return [mapping(entry) for entry in sequence(manifest.spec.get(field))]


def _at(names: Names, indexes: Iterable[int], port: object) -> list[Target]:
    """The port of pods, by number or by the name that their containers give it."""
    found = []
    for index in indexes:
        declared = names.workloads[index].ports
        numbers = {port} if type(port) is int else {p.number for p in declared if p.name == port}
        party = member(names.workloads, index)
        found += [Target(party, "TCP", number, "metrics") for number in sorted(numbers)]
    return found


def _selector(manifest: Manifest) -> Selector | None:
    try:
        return parse_selector(manifest.spec.get("selector"))
    except InvalidSelectorError:
        return None


def _inside(manifest: Manifest, namespace: str) -> bool:
    """Whether a monitor looks into a namespace: its own, those that it lists, or any."""
    wanted = mapping(manifest.spec.get("namespaceSelector"))
    listed = sequence(wanted.get("matchNames"))
    return wanted.get("any") is True or namespace in (listed or [manifest.namespace])
