# SPDX-License-Identifier: Apache-2.0
"""Which hosts do the settings of a workload name?

Environment variables (also through ConfigMaps), arguments, commands and mounted ConfigMaps of all
containers, init containers included. Secrets are not looked into. Authority: istio/api
networking/v1 (a VirtualService without gateways, or with `mesh`, sends the calls of sidecars to
other hosts than they name; a ServiceEntry gives the addresses and ports of a host).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.network.intent.model import Flow, Target, flows, member
from kguard.layers.network.intent.names import Mention, Names, mentions
from kguard.layers.network.intent.outside import Outside
from kguard.layers.network.intent.targets import targets
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

Setting = tuple[str, str, Evidence]
"""Name, text, and where it stands."""

_HOST = re.compile(r"(?:HOST(?:NAME)?|ADDR(?:ESS)?|SERVER|SERVICE|ENDPOINT)$", re.IGNORECASE)


def setting_flows(names: Names, outside: Outside) -> Iterator[Flow]:
    """The connections that settings name."""
    for index, workload in enumerate(names.workloads):
        source = member(names.workloads, index)
        found = list(settings(names.inventory, workload))
        ports = {key.upper(): text for key, text, _ in found if port_number(text)}
        for key, text, place in found:
            for mention in mentions(key, text):
                whole = _with_port(mention, key, ports)
                yield from flows(source, _targets(names, whole, workload, outside), place)


def _with_port(mention: Mention, key: str, ports: dict[str, str]) -> Mention:
    """`DB_HOST` without a port goes with `DB_PORT`."""
    if mention.port or not _HOST.search(key):
        return mention
    text = ports.get(_HOST.sub("PORT", key).upper(), "")
    return msgspec.structs.replace(mention, port=port_number(text))


def _targets(names: Names, mention: Mention, workload: Workload, outside: Outside) -> list[Target]:
    entry = outside.entry(mention, workload.namespace)
    found = entry or list(targets(names, mention, workload.namespace))
    for host, port in outside.instead(mention.host, workload.namespace):
        found += targets(names, Mention(host, port), workload.namespace)
    return found


def settings(inventory: Inventory, workload: Workload) -> Iterator[Setting]:
    """Every setting of a workload that is written in the input."""
    for container in workload.containers:
        if not container.added_by:
            yield from _variables(inventory, workload, container)
            yield from _words(workload, container)
    for volume in sequence(workload.pod.get("volumes")):
        name = strings(mapping(volume).get("configMap")).get("name", "")
        yield from _config_map(inventory, workload.namespace, name)
        for source in sequence(mapping(mapping(volume).get("projected")).get("sources")):
            name = strings(mapping(source).get("configMap")).get("name", "")
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
        for _, text, where in _config_map(
            inventory, workload.namespace, words.get("name", ""), words.get("key", "")
        ):
            yield name, text, where
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
