# SPDX-License-Identifier: Apache-2.0
"""Which Services do the settings of a workload name?

Environment variables (also through ConfigMaps), arguments, commands and mounted ConfigMaps of all
containers, init containers included. Secrets are not looked into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.network.intent.gateways import local_gateway
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Mention, Names, mentions
from kguard.layers.network.semantics.services import Service, target_ports
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_OUTSIDE = re.compile(r"\.(?!local$|svc$|internal$|cluster$)[a-z]{2,}$")
"""A host name that public DNS may know."""

Setting = tuple[str, str, Evidence]
"""Name, text, and where it stands."""


def setting_flows(
    inventory: Inventory, workloads: Sequence[Workload], names: Names
) -> Iterator[Flow]:
    """The connections that settings name."""
    for index, workload in enumerate(workloads):
        source = Party("workload", workload.name, index=index)
        for key, text, place in settings(inventory, workload):
            for mention in mentions(key, text):
                yield from _flows(source, mention, place, workload, workloads, names, inventory)


def _flows(
    source: Party,
    mention: Mention,
    place: Evidence,
    workload: Workload,
    workloads: Sequence[Workload],
    names: Names,
    inventory: Inventory,
) -> Iterator[Flow]:
    service = names.service(mention.host, workload.namespace)
    if service is not None:
        yield from to_service(source, service, mention.port, place, workloads)
        return
    namespace, _ = names.split(mention.host, workload.namespace)
    if names.knative(mention.host, workload.namespace) is not None:
        gateway, port = local_gateway(inventory, tls=mention.port == 443)  # noqa: PLR2004
        note = f"{place.note} (a Knative Service, reached through {gateway.name})"
        because = Evidence(place.ref, place.pointer, note)
        yield Flow(source, gateway, "TCP", port, "knative", because)
    elif mention.port and namespace not in inventory.namespaces and _OUTSIDE.search(mention.host):
        host = Party("address", mention.host)
        yield Flow(source, host, "TCP", mention.port, "outside", place)


def to_service(
    source: Party, service: Service, port: int, place: Evidence, workloads: Sequence[Workload]
) -> Iterator[Flow]:
    """Connections to the pods behind a Service; port 0 means each of its ports."""
    for entry in service.port(port or None):
        for index in service.workloads:
            if index == source.index:
                continue
            target = Party("workload", workloads[index].name, index=index)
            for number in target_ports(entry, workloads[index]):
                yield Flow(source, target, entry.protocol, number, "environment", place)


def settings(inventory: Inventory, workload: Workload) -> Iterator[Setting]:
    """Every setting of a workload that is written in the input."""
    for container in workload.containers:
        if not container.added_by:
            yield from _variables(inventory, workload, container)
            yield from _words(workload, container)
    for volume in sequence(workload.pod.get("volumes")):
        name = strings(mapping(volume).get("configMap")).get("name", "")
        yield from _config_map(inventory, workload.namespace, name)


def _variables(inventory: Inventory, workload: Workload, container: Container) -> Iterator[Setting]:
    for number, entry in enumerate(sequence(container.raw.get("env"))):
        fields = strings(entry)
        name, value = fields.get("name", ""), fields.get("value")
        place = container.pointer + pointer("env", number)
        if value:
            note = f"{name} of {workload.name} names it"
            yield name, value, Evidence(workload.id, f"{place}/value", note)
            continue
        source = mapping(mapping(mapping(entry).get("valueFrom")).get("configMapKeyRef"))
        words = strings(source)
        yield from _config_map(
            inventory, workload.namespace, words.get("name", ""), words.get("key", "")
        )
    for entry in sequence(container.raw.get("envFrom")):
        name = strings(mapping(entry).get("configMapRef")).get("name", "")
        yield from _config_map(inventory, workload.namespace, name)


def _words(workload: Workload, container: Container) -> Iterator[Setting]:
    for field in ("command", "args"):
        for number, word in enumerate(sequence(container.raw.get(field))):
            if isinstance(word, str):
                place = container.pointer + pointer(field, number)
                note = f"an argument of {workload.name} names it"
                yield word.partition("=")[0], word, Evidence(workload.id, place, note)


def _config_map(
    inventory: Inventory, namespace: str, name: str, key: str = ""
) -> Iterator[Setting]:
    found: Manifest | None = inventory.find("ConfigMap", "", namespace, name) if name else None
    if found is None:
        return
    for entry, text in strings(found.object.get("data")).items():
        if not key or key == entry:
            note = f"{entry} of ConfigMap {name} names it"
            yield entry, text, Evidence(found.id, pointer("data", entry), note)
