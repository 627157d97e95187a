# SPDX-License-Identifier: Apache-2.0
"""Which Services of the input do the settings of a workload name?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from kguard.inventory.index import Inventory
from kguard.inventory.mentions import mentions
from kguard.inventory.settings import settings
from kguard.inventory.workload import Workload


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
        workload: whose settings are searched.
        services: the (namespace, name) pairs that exist.
    """
    domain = inventory.value("cluster-domain") or "cluster.local"
    found: dict[tuple[str, str, int], Reference] = {}
    for key, text, place in settings(inventory, workload):
        for mention in mentions(key, text):
            for pair in _services(mention.host, workload.namespace, domain):
                if pair in services:
                    reference = Reference(*pair, mention.port, place.ref, place.pointer, place.note)
                    found.setdefault((*pair, mention.port), reference)
    return sorted(found.values())


def _services(host: str, namespace: str, domain: str) -> Iterator[tuple[str, str]]:
    """The (namespace, name) pairs that a host may mean: a Service, or the one of a named pod."""
    parts = host.removesuffix(".").removesuffix(f".{domain}").removesuffix(".svc").split(".")
    match parts:
        case [name]:
            yield namespace, name
        case [name, space]:
            yield space, name
            yield namespace, space
        case [_, name, space]:
            yield space, name
