# SPDX-License-Identifier: Apache-2.0
"""Who is Prometheus, and what do the objects of its operator ask to be scraped?

Authority: prometheus-operator pkg/apis/monitoring/v1 (ServiceMonitor selects Services and names
their ports, PodMonitor selects pods and names those of their containers; `namespaceSelector`;
`tlsConfig` of an endpoint).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kguard.inventory.index import Inventory
from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.inventory.workload import Workload
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence

GROUP = "monitoring.coreos.com"
_FIELDS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
_IMAGES = ("prom/prometheus", "prometheus/prometheus")
_CERTIFICATE = ("cert", "certFile", "keyFile", "keySecret")


class Endpoint(msgspec.Struct, frozen=True):
    """One thing to be scraped of whatever a monitor selects."""

    port: int | str
    """Number or name; 0 where none is written."""
    of_service: bool
    """Whether the name is that of a Service's port, not of a container's."""
    certificate: bool
    """Whether Prometheus shows a certificate."""
    place: Evidence


class Monitor(msgspec.Struct, frozen=True, eq=False):
    """A ServiceMonitor or PodMonitor."""

    manifest: Manifest
    selector: Selector
    endpoints: tuple[Endpoint, ...]

    def selects(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether it means a Service or pod: in its own namespace, those it lists, or any."""
        wanted = mapping(self.manifest.spec.get("namespaceSelector"))
        listed = sequence(wanted.get("matchNames"))
        inside = wanted.get("any") is True or namespace in (listed or [self.manifest.namespace])
        return inside and self.selector.matches(labels)


def monitors(inventory: Inventory, kind: str) -> Iterator[Monitor]:
    """The monitors of a kind, `ServiceMonitor` or `PodMonitor`; invalid ones select nothing."""
    for manifest in inventory.of(kind, GROUP):
        try:
            selector = parse_selector(manifest.spec.get("selector"))
        except InvalidSelectorError:
            continue
        if selector is not None:
            yield Monitor(manifest, selector, tuple(_endpoints(manifest, kind)))


def servers(inventory: Inventory) -> list[Workload]:
    """The workloads that run Prometheus itself."""
    return [w for w in inventory.workloads if any(_runs(c.image) for c in w.containers)]


def _runs(image: str) -> bool:
    name = image.partition("@")[0]
    name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return name.endswith(_IMAGES)


def _endpoints(manifest: Manifest, kind: str) -> Iterator[Endpoint]:
    field = _FIELDS[kind]
    for number, value in enumerate(sequence(manifest.spec.get(field))):
        entry = mapping(value)
        port = entry.get("port") or entry.get("portNumber") or entry.get("targetPort") or 0
        shown = any(name in mapping(entry.get("tlsConfig")) for name in _CERTIFICATE)
        yield Endpoint(
            port=port if type(port) is int or isinstance(port, str) else 0,
            of_service=kind == "ServiceMonitor" and isinstance(entry.get("port"), str),
            certificate=shown,
            place=Evidence(
                manifest.id,
                pointer("spec", field, number),
                f"{kind} {manifest.name} scrapes it",
            ),
        )
