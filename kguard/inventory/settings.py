# SPDX-License-Identifier: Apache-2.0
"""Which settings does a workload have, as far as they are written in the input?

Environment variables (also through ConfigMaps), arguments, commands and mounted ConfigMaps of all
containers, init containers included. Secrets are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory.index import Inventory
from kguard.inventory.workload import Container, Workload
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

Setting = tuple[str, str, Evidence]
"""Name, text, and where it stands."""


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
        if value:
            place = f"{container.pointer}/env/{number}/value"
            yield name, value, Evidence(workload.id, place, f"{name} of {workload.name} names it")
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
