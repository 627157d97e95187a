# SPDX-License-Identifier: Apache-2.0
"""Which Services does the configuration of a workload name?

Environment variables (written out or taken from a ConfigMap of the input), commands and arguments
are searched for `host`, `host:port` and URLs whose host is a Service of the input. A bare word
counts only where the variable's name says that it is an address.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from kguard.inventory.index import Inventory
from kguard.inventory.workload import Container, Workload
from kguard.model.locations import pointer
from kguard.model.manifests import mapping, sequence, strings

_ADDRESS_NAME = re.compile(
    r"(HOST|HOSTS|HOSTNAME|ADDR|ADDRESS|URL|URI|SERVICE|ENDPOINT|SERVER|SERVERS|BROKERS|BACKEND)$",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[\s,;='\"]+")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
MAX_TEXT = 64 * 1024
"""Longest value that is searched, in characters."""


class Reference(msgspec.Struct, frozen=True, order=True):
    """A place that names a Service."""

    namespace: str
    service: str
    port: int
    """0 where no port is written."""
    ref: str
    """`Manifest.id` of the object that holds the place."""
    pointer: str
    note: str


def references(
    inventory: Inventory, workload: Workload, services: Collection[tuple[str, str]]
) -> list[Reference]:
    """The Services that a workload names, each once per port, in a stable order.

    Args:
        inventory: where ConfigMaps are looked up.
        workload: whose containers are searched.
        services: the (namespace, name) pairs that exist.
    """
    domain = inventory.value("cluster-domain") or "cluster.local"
    found: dict[tuple[str, str, int], Reference] = {}
    for text, address, ref, place, note in _texts(inventory, workload):
        for host, port in _hosts(text, bare=address):
            key = _service(host, workload.namespace, domain, services)
            if key:
                found.setdefault((*key, port), Reference(*key, port, ref, place, note))
    return sorted(found.values())


_Text = tuple[str, bool, str, str, str]


def _texts(inventory: Inventory, workload: Workload) -> Iterator[_Text]:
    """Every text with whether it is named as an address, and where it stands."""
    for container in workload.containers:
        yield from _variables(inventory, workload, container)
        for field in ("command", "args"):
            for number, value in enumerate(sequence(container.raw.get(field))):
                if isinstance(value, str):
                    place = container.pointer + pointer(field, number)
                    yield value, False, workload.id, place, f"{field} of {container.name}"


def _variables(inventory: Inventory, workload: Workload, container: Container) -> Iterator[_Text]:
    for number, entry in enumerate(sequence(container.raw.get("env"))):
        name = strings(entry).get("name", "")
        place = container.pointer + pointer("env", number)
        address = _ADDRESS_NAME.search(name) is not None
        value = mapping(entry).get("value")
        if isinstance(value, str):
            yield value, address, workload.id, f"{place}/value", f"env {name}"
        source = strings(mapping(mapping(entry).get("valueFrom")).get("configMapKeyRef"))
        for key, text, ref in _config(inventory, workload, source.get("name", "")):
            if key == source.get("key"):
                yield text, address, ref, pointer("data", key), f"env {name}"
    for entry in sequence(container.raw.get("envFrom")):
        source = strings(mapping(entry).get("configMapRef"))
        for key, text, ref in _config(inventory, workload, source.get("name", "")):
            address = _ADDRESS_NAME.search(key) is not None
            yield text, address, ref, pointer("data", key), f"env {key}"


def _config(inventory: Inventory, workload: Workload, name: str) -> Iterator[tuple[str, str, str]]:
    manifest = inventory.find("ConfigMap", "", workload.namespace, name) if name else None
    if manifest:
        for key, text in sorted(strings(manifest.object.get("data")).items()):
            yield key, text, manifest.id


def _hosts(text: str, *, bare: bool) -> Iterator[tuple[str, int]]:
    for word in _SEPARATORS.split(text[:MAX_TEXT]):
        scheme = _SCHEME.match(word)
        rest = word[scheme.end() :] if scheme else word
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        host, _, number = authority.partition(":")
        sure = bare or scheme is not None or number.isdecimal() or "." in host
        if sure and _HOST.match(host) and (not number or number.isdecimal()):
            yield host, int(number[:5] or 0)


def _service(
    host: str, namespace: str, domain: str, services: Collection[tuple[str, str]]
) -> tuple[str, str] | None:
    name, _, rest = host.partition(".")
    place, _, suffix = rest.partition(".")
    if suffix not in ("", "svc", f"svc.{domain}"):
        return None
    key = (place or namespace, name)
    return key if key in services else None
