# SPDX-License-Identifier: Apache-2.0
"""Which variables does the environment of a container hold, as far as the input tells?

Authority: kubernetes pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables): `envFrom` in order,
then `env`, which wins. Of Secrets only the names of the keys count, and whether something is in
them; what the kubelet fills in (names of nodes, addresses) is there, but not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Inventory
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

HIDDEN = "?"
"""Stands for a value that is there, but that nobody may see."""


class Variables:
    """The variables of one container."""

    def __init__(self, inventory: Inventory, namespace: str, container: JsonObject) -> None:
        found = list(variables(inventory, namespace, container))
        self._known = {name: value for name, value in found if name is not None}
        self._open = any(name is None for name, _ in found)

    def value(self, name: str) -> str | None:
        """The value; empty where there is none, None where it is not known."""
        value = self._known.get(name)
        if value is None:
            return None if self._open else ""
        return None if value == HIDDEN else value


def variables(
    inventory: Inventory, namespace: str, container: JsonObject
) -> Iterator[tuple[str | None, str]]:
    """Names and values; no name stands for variables that the input does not show."""
    for source in map(mapping, sequence(container.get("envFrom"))):
        prefix = strings(source).get("prefix", "")
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            reference = mapping(source.get(field))
            if reference:
                yield from _all_of(inventory, namespace, kind, reference, prefix)
    for entry in map(mapping, sequence(container.get("env"))):
        name = strings(entry).get("name", "")
        if isinstance(entry.get("value"), str):
            yield name, entry["value"]
        elif entry.get("valueFrom") is not None:
            yield _referenced(inventory, namespace, name, mapping(entry["valueFrom"]))


def _all_of(
    inventory: Inventory, namespace: str, kind: str, reference: JsonObject, prefix: str
) -> Iterator[tuple[str | None, str]]:
    holder = inventory.find(kind, "", namespace, strings(reference).get("name", ""))
    if holder is None:
        if reference.get("optional") is not True:
            yield None, ""
        return
    if _is_closed(holder):
        yield None, ""
    for key, value in _values(holder).items():
        yield f"{prefix}{key}", value


def _referenced(
    inventory: Inventory, namespace: str, name: str, source: JsonObject
) -> tuple[str, str]:
    for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        words = strings(source.get(field))
        if words:
            holder = inventory.find(kind, "", namespace, words.get("name", ""))
            if holder is None or _is_closed(holder):
                return name, HIDDEN
            return name, _values(holder).get(words.get("key", ""), "")
    return name, HIDDEN


def _is_closed(holder: Manifest) -> bool:
    """Whether a Secret was read without its contents."""
    return holder.kind == "Secret" and bool(holder.text.cluster)


def _values(holder: Manifest) -> dict[str, str]:
    """The entries; those of a Secret are but there or not."""
    found = strings(holder.object.get("data"))
    if holder.kind == "Secret":
        found |= strings(holder.object.get("stringData"))
        return {key: HIDDEN if value else "" for key, value in found.items()}
    return found
