# SPDX-License-Identifier: Apache-2.0
"""Where do VirtualServices lead the calls of a sidecar: to which hosts and subsets?

Authority: istio/istio pilot/pkg/model/virtualservice.go (`SelectVirtualServices`, short names),
sidecar.go (`computeWildcardHostVirtualServiceIndex`: the most specific host), pilot/pkg/networking/
core/route/route.go (`BuildHTTPRoutesForVirtualService`, `sourceMatchHTTP`: entries in order, up to
the first that takes everything; where none applies the Service itself is called) and
core/tls.go (connections that no TCP or TLS route takes go to the Service itself). What a request
holds is not known here: every destination that some request reaches is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from kguard.layers.mtls.semantics.destination import full_host
from kguard.layers.mtls.semantics.inbound import Protocol
from kguard.layers.mtls.semantics.peerauth import REVISION_LABEL
from kguard.layers.mtls.semantics.visibility import seen
from kguard.model.manifests import JsonObject, mapping, sequence, strings

_MESH = "mesh"
_Family = Literal["http", "tcp", "tls"]
_STREAMS: tuple[_Family, _Family] = ("tcp", "tls")
_SOURCE = ("port", "gateways", "sourceLabels", "sourceNamespace", "name")
"""What of a match is about the call, not about what a request holds."""


class Destination(msgspec.Struct, frozen=True, order=True):
    """Where a call is led; port 0 is the one that was called."""

    host: str
    subset: str
    port: int


class Caller(msgspec.Struct, frozen=True):
    """A sidecar that calls a port."""

    namespace: str
    labels: Mapping[str, str]
    port: int


class Routes(msgspec.Struct, frozen=True, eq=False):
    """A VirtualService, as sidecars read it."""

    namespace: str
    name: str
    id: str
    hosts: tuple[str, ...]
    export: frozenset[str]
    revision: str
    spec: JsonObject
    domain: str

    def leads(self, caller: Caller, protocol: Protocol) -> frozenset[Destination] | None:
        """Where calls may be led; None where no entry applies, so that nothing changes."""
        parts: dict[Protocol, tuple[set[Destination], ...]] = {
            "http": (self._http(caller),),
            "tcp": (self._streams(caller),),
            "sniffed": (self._http(caller), self._streams(caller)),
        }
        found = parts[protocol]
        if not any(found):
            return None
        return frozenset().union(*(part or {ITSELF} for part in found))

    def _http(self, caller: Caller) -> set[Destination]:
        return self._family("http", caller)[0]

    def _streams(self, caller: Caller) -> set[Destination]:
        """TCP and TLS: what no entry takes goes to the Service."""
        (tcp, all_tcp), (tls, all_tls) = (self._family(f, caller) for f in _STREAMS)
        found = tcp | tls
        return found if all_tcp or all_tls or not found else {*found, ITSELF}

    def _family(self, family: _Family, caller: Caller) -> tuple[set[Destination], bool]:
        """The destinations of one kind of entries, and whether they take every call."""
        found: set[Destination] = set()
        for entry in sequence(self.spec.get(family)):
            applies = _applies(mapping(entry), caller)
            if applies == "never":
                continue
            found.update(self._destinations(mapping(entry)))
            if applies == "always":
                return found, True
        return found, False

    def _destinations(self, entry: JsonObject) -> Iterator[Destination]:
        if entry.get("delegate"):
            yield ELSEWHERE
        for weighted in sequence(entry.get("route")):
            destination = mapping(mapping(weighted).get("destination"))
            port = mapping(destination.get("port")).get("number")
            fields = strings(destination)
            yield Destination(
                full_host(fields.get("host", ""), self.namespace, self.domain),
                fields.get("subset", ""),
                port if type(port) is int else 0,
            )


ITSELF = Destination("", "", 0)
"""The Service that was called."""
ELSEWHERE = Destination("?", "", 0)
"""Another VirtualService decides."""


def _applies(entry: JsonObject, caller: Caller) -> Literal["never", "sometimes", "always"]:
    matches = [mapping(match) for match in sequence(entry.get("match"))]
    mine = [match for match in matches if _is_from(match, caller)]
    if matches and not mine:
        return "never"
    return "always" if not matches or any(map(_takes_all, mine)) else "sometimes"


def _takes_all(match: JsonObject) -> bool:
    rest = {key: value for key, value in match.items() if key not in _SOURCE}
    return rest in ({}, {"uri": {"prefix": "/"}})


def _is_from(match: JsonObject, caller: Caller) -> bool:
    """Whether calls of the sidecar to its port can match at all."""
    if match.get("port") not in (None, 0, caller.port):
        return False
    gateways = sequence(match.get("gateways"))
    if gateways:
        return _MESH in gateways
    labels = strings(match.get("sourceLabels"))
    place = match.get("sourceNamespace") or caller.namespace
    return labels.items() <= caller.labels.items() and place == caller.namespace


def parse_routes(namespace: str, value: JsonObject, ref: str, domain: str) -> Routes | None:
    """Read a VirtualService; None where it is for gateways only, or only a delegate."""
    metadata, spec = mapping(value.get("metadata")), mapping(value.get("spec"))
    gateways = sequence(spec.get("gateways"))
    hosts = [str(host).lower() for host in sequence(spec.get("hosts"))]
    if (gateways and _MESH not in gateways) or not hosts:
        return None
    return Routes(
        namespace=namespace,
        name=str(metadata.get("name", "")),
        id=ref,
        hosts=tuple(full_host(host, namespace, domain) for host in hosts),
        export=frozenset(str(entry) for entry in sequence(spec.get("exportTo"))),
        revision=strings(metadata.get("labels")).get(REVISION_LABEL, ""),
        spec=spec,
        domain=domain,
    )


class RouteIndex:
    """The VirtualServices of a mesh, by host.

    Args:
        routes: in any order.
        default_export: `MeshConfig.defaultVirtualServiceExportTo`.
        revision: of the control plane; empty sees those of every revision.
    """

    def __init__(
        self, routes: Iterable[Routes], default_export: Iterable[str], revision: str = ""
    ) -> None:
        self._default = frozenset(default_export)
        self._hosts: dict[str, list[Routes]] = {}
        for entry in routes:
            if not entry.revision or not revision or entry.revision == revision:
                for host in entry.hosts:
                    self._hosts.setdefault(host, []).append(entry)
        self._wildcards = sorted((h for h in self._hosts if h.startswith("*")), key=_specific)

    def of(self, client: str, host: str) -> list[Routes]:
        """Those that count for calls from a namespace to a host.

        Several of one host: the oldest counts, which files do not tell; all are given.
        """
        for known in (host, *(h for h in self._wildcards if host.endswith(h[1:]))):
            found = [r for r in self._hosts.get(known, ()) if self._seen(r, client)]
            if found:
                return found
        return []

    def _seen(self, routes: Routes, client: str) -> bool:
        return seen(routes.export or self._default, routes.namespace, client)


def _specific(host: str) -> tuple[int, str]:
    return -len(host), host
