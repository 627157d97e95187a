# SPDX-License-Identifier: Apache-2.0
"""Where does a call to a Service end up, when VirtualServices lead it elsewhere?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Workload
from kguard.layers.mtls.facts.clients import host_of
from kguard.layers.mtls.facts.services import Service, ServicePort
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics.inbound import protocol_of
from kguard.layers.mtls.semantics.routes import ELSEWHERE, ITSELF, Caller, Destination
from kguard.model.facts.common import Evidence


class Lead(msgspec.Struct, frozen=True):
    """One place where a call may be led."""

    service: Service
    port: ServicePort
    subset: str = ""
    """Of the DestinationRule that the client obeys; empty for all pods."""
    because: tuple[Evidence, ...] = ()
    certain: bool = True
    """False where something that was not evaluated decides."""


def leads(view: View, client: Workload, service: Service, port: ServicePort) -> list[Lead]:
    """The places where a client's sidecar may lead calls to a port; those in the input."""
    routes = view.routes(client, host_of(view, service))
    found: dict[tuple[str, int, str], Lead] = {}
    caller = Caller(client.namespace, client.labels, port.number)
    for entry in routes:
        note = f"VirtualService {entry.name} leads calls to {service.manifest.name}"
        why = (Evidence(entry.id, "/spec", note),)
        protocol = protocol_of(port.number, port.name, port.application)
        for destination in sorted(entry.leads(caller, protocol) or [ITSELF]):
            for lead in _places(view, Lead(service, port, "", why), destination):
                key = (lead.service.manifest.id, lead.port.number, lead.subset)
                found.setdefault(key, lead)
    return list(found.values()) if routes else [Lead(service, port)]


def _places(view: View, called: Lead, destination: Destination) -> Iterator[Lead]:
    """The place of a destination, if it is a Service of the input."""
    if destination == ITSELF:
        yield msgspec.structs.replace(called, because=())
        return
    if destination == ELSEWHERE:
        yield msgspec.structs.replace(called, certain=False)
        return
    name, _, rest = destination.host.partition(".")
    place, _, suffix = rest.partition(".")
    service = view.services.get((place, name)) if suffix == f"svc.{view.domain}" else None
    number = destination.port or called.port.number
    for port in service.ports if service else ():
        if service and (port.number == number or (not destination.port and _only(service))):
            yield Lead(service, port, destination.subset, called.because)


def _only(service: Service) -> bool:
    """A Service with one port is called there, whatever port was called."""
    return len(service.ports) == 1
