# SPDX-License-Identifier: Apache-2.0
"""Which Service does a host name of a manifest mean?

Authority: Kubernetes DNS specification 1.1 (`service.namespace.svc.zone`); a pod's search list
completes `service`, `service.namespace` and `service.namespace.svc`
(pkg/kubelet/network/dns/dns.go). Strings are searched for addresses in every usual notation: URLs,
`host:port`, comma lists, gRPC's `dns:///`, JDBC.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.network.semantics.services import Service, services

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}):/{2,3}(?:[^\s/@,;\"'=|<>]{1,200}@)?)?"
    r"(?P<host>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,10})"
    r"(?::(?P<port>[0-9]{1,5})(?![0-9]))?"
)
_HINT = re.compile(
    r"HOST|ADDR|URL|URI|SERVER|SERVICE|ENDPOINT|BROKER|BOOTSTRAP|DSN|DATABASE|REDIS|UPSTREAM"
)
_SCHEME_PORTS = {
    "amqp": 5672,
    "amqps": 5671,
    "http": 80,
    "https": 443,
    "mongodb": 27017,
    "mysql": 3306,
    "nats": 4222,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "ws": 80,
    "wss": 443,
}
_MAX_TEXT = 100_000
"""Longer strings are data, no settings."""


class Mention(msgspec.Struct, frozen=True, order=True):
    """A host name in a setting; `port` is 0 where none is given."""

    host: str
    port: int


def mentions(key: str, text: str) -> Iterator[Mention]:
    """The addresses that a setting names."""
    hinted = bool(_HINT.search(key.upper().replace("-", "_").replace(".", "_")))
    for match in _ADDRESS.finditer(text[:_MAX_TEXT]):
        host, scheme = match["host"], (match["scheme"] or "").lower()
        port = int(match["port"] or 0)
        if host.replace(".", "").isdigit():
            if (port or scheme) and is_address(host):
                yield Mention(host, port or _SCHEME_PORTS.get(scheme, 0))
            continue
        whole = match.span() == (0, len(text.strip()))
        # A bare word is a host only where the name of the setting says so.
        if scheme or port or "." in host or (hinted and whole):
            yield Mention(host, port or _SCHEME_PORTS.get(scheme, 0))


def is_address(host: str) -> bool:
    """Whether a host is the address of another machine."""
    if ":" not in host and not host.replace(".", "").isdigit():
        return False
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast)


def blocks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses and ranges as CIDRs, sorted; what is neither is left out."""
    found = set()
    for text in addresses:
        try:
            found.add(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            continue
    return tuple(sorted(found))


class Names:
    """The Services and Knative Services of an inventory, by the names that reach them."""

    def __init__(self, inventory: Inventory, workloads: Sequence[Workload]) -> None:
        self.inventory = inventory
        self.workloads = workloads
        self.services = services(inventory, workloads)
        self._services: Mapping[tuple[str, str], Service] = {
            (s.manifest.namespace, s.manifest.name): s for s in self.services
        }
        self._knative = {
            (w.namespace, w.name): index
            for index, w in enumerate(workloads)
            if w.manifest.kind == "Service" and w.knative == "serving"
        }
        self._zone = inventory.value("cluster-domain") or "cluster.local"

    def split(self, host: str, namespace: str) -> tuple[str, str]:
        """(namespace, service) that a host name would mean; empty where it cannot be one."""
        host = host.removesuffix(".").removesuffix(f".{self._zone}")
        parts = host.split(".")
        match parts:
            case [name]:
                return namespace, name
            case [name, space] | [name, space, "svc"]:
                return space, name
            case _:
                return "", ""

    def internal(self, host: str) -> bool:
        """Whether only the cluster's own DNS can know a host name."""
        short = host.removesuffix(".").removesuffix(f".{self._zone}")
        return short.endswith(".svc") or short != host.removesuffix(".")

    def service(self, host: str, namespace: str) -> Service | None:
        """The Service that a host name means, seen from a namespace."""
        found = self._services.get(self.split(host, namespace))
        if found is None:
            # A single pod of a StatefulSet: `pod.service.namespace`.
            rest = host.partition(".")[2]
            found = self._services.get(self.split(rest, namespace)) if rest else None
        if found is not None and found.external_name:
            inner = self._services.get(self.split(found.external_name, found.manifest.namespace))
            return inner or found
        return found

    def knative(self, host: str, namespace: str) -> int | None:
        """The Knative workload (index) that a host name means."""
        return self._knative.get(self.split(host, namespace))
