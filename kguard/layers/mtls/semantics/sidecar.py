# SPDX-License-Identifier: Apache-2.0
"""Which Sidecar counts for a pod, and what does it do to mutual TLS?

Two things: TLS of its own on an inbound port, which ends there only where the port is DISABLE, and
the services that its proxy knows: what it does not know it passes on as it is. Authority:
istio/istio pilot/pkg/model/push_context.go (`initSidecarScopes`, `doGetSidecarScope`: the oldest
with a matching selector, then the oldest of the namespace without one, then the root
namespace's), sidecar.go (`convertToSidecarScope`, `IstioEgressListenerWrapper`), pilot/pkg/
networking/core/listener_inbound.go (`buildInboundListeners`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kguard.layers.mtls.semantics.peerauth import REVISION_LABEL, age_key, seconds_of
from kguard.model.manifests import JsonObject, mapping, sequence, strings

_OWN, _ANY, _EXCLUDED = ".", "*", "~"


class Hosts(msgspec.Struct, frozen=True):
    """An entry of `hosts`: services of one namespace, or of all."""

    namespace: str
    host: str
    excluded: bool

    def covers(self, client: str, namespace: str, host: str) -> bool:
        """Whether a service is meant, for a client in a namespace."""
        place = client if self.namespace == _OWN else self.namespace
        if place not in (_ANY, namespace):
            return False
        return host.endswith(self.host[1:]) if self.host[0] == "*" else host == self.host


class Listener(msgspec.Struct, frozen=True):
    """An entry of `egress`: what is known by it, on one port or (0) on all."""

    port: int
    hosts: tuple[Hosts, ...]

    def knows(self, client: str, namespace: str, host: str, port: int) -> bool:
        """Whether a client in a namespace knows a service's port by this entry."""
        found = [entry for entry in self.hosts if entry.covers(client, namespace, host)]
        return self.port in (0, port) and bool(found) and not any(e.excluded for e in found)


class SidecarConfig(msgspec.Struct, frozen=True, eq=False):
    """A Sidecar as far as it bears on mutual TLS."""

    namespace: str
    name: str
    id: str
    created: int | None
    revision: str
    selector: dict[str, str] | None
    tls: dict[int, int]
    """Ports whose TLS it ends itself, with their place in `ingress`."""
    egress: tuple[Listener, ...]
    """Where it is empty, its proxies know every service."""
    outbound: str = ""
    """The mode of `outboundTrafficPolicy`; empty where the mesh's counts."""

    def knows(self, client: str, namespace: str, host: str, port: int) -> bool:
        """Whether proxies in a namespace know a port of a service."""
        listed = (entry.knows(client, namespace, host, port) for entry in self.egress)
        return not self.egress or any(listed)


def parse_sidecar(namespace: str, value: JsonObject, ref: str = "") -> SidecarConfig:
    """Read a Sidecar; what is malformed counts as absent."""
    metadata, spec = mapping(value.get("metadata")), mapping(value.get("spec"))
    name, chosen = metadata.get("name"), spec.get("workloadSelector")
    tls: dict[int, int] = {}
    for place, entry in enumerate(sequence(spec.get("ingress"))):
        number = mapping(mapping(entry).get("port")).get("number")
        if type(number) is int and isinstance(mapping(entry).get("tls"), dict):
            tls.setdefault(number, place)
    return SidecarConfig(
        namespace=namespace,
        name=name if isinstance(name, str) else "",
        id=ref,
        created=seconds_of(metadata.get("creationTimestamp")),
        revision=strings(metadata.get("labels")).get(REVISION_LABEL, ""),
        selector=None if chosen is None else strings(mapping(chosen).get("labels")),
        tls=tls,
        outbound=str(mapping(spec.get("outboundTrafficPolicy")).get("mode", "")),
        egress=tuple(_listener(mapping(entry)) for entry in sequence(spec.get("egress"))),
    )


def _listener(entry: JsonObject) -> Listener:
    number = mapping(entry.get("port")).get("number")
    hosts = []
    for text in sequence(entry.get("hosts")):
        namespace, _, host = str(text).partition("/")
        excluded = namespace.startswith(_EXCLUDED)
        place = (namespace.removeprefix(_EXCLUDED) or _ANY) if excluded else namespace
        if host and "/" not in host:
            hosts.append(Hosts(place, host, excluded))
    return Listener(number if type(number) is int else 0, tuple(hosts))


class SidecarIndex:
    """All Sidecars of a mesh, as the control plane of a revision sees them.

    Those with a selector come first, then the oldest.
    """

    def __init__(self, sidecars: Iterable[SidecarConfig], root: str, revision: str = "") -> None:
        self._places: dict[str, list[SidecarConfig]] = {}
        for sidecar in sorted(sidecars, key=_order):
            if not sidecar.revision or not revision or sidecar.revision == revision:
                self._places.setdefault(sidecar.namespace, []).append(sidecar)
        roots = (s for s in self._places.get(root, ()) if s.selector is None)
        self._mesh = next(roots, None)

    def of(self, namespace: str, labels: Mapping[str, str]) -> SidecarConfig | None:
        """The Sidecar that counts for a pod."""
        for sidecar in self._places.get(namespace, ()):
            if sidecar.selector is None or sidecar.selector.items() <= labels.items():
                return sidecar
        return self._mesh


def _order(sidecar: SidecarConfig) -> tuple[bool, tuple[int, str, str]]:
    age = age_key(sidecar.created, sidecar.name, sidecar.namespace)
    return sidecar.selector is None, age
