# SPDX-License-Identifier: Apache-2.0
"""What is sent from one workload to a port of another, what is accepted there, and does it work?

Nothing is computed before it is asked: a cluster has far more pairs of workloads than calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kguard.inventory import Workload
from kguard.layers.mtls.facts.captured import capture_evidence, capture_settings
from kguard.layers.mtls.facts.clients import host_of, rule_for, sent, takes_tunnel, tls_labels
from kguard.layers.mtls.facts.leads import Lead, leads
from kguard.layers.mtls.facts.services import Service, ServicePort
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.facts.workloads import workload_facts
from kguard.layers.mtls.semantics import capture
from kguard.layers.mtls.semantics.destination import Rule
from kguard.layers.mtls.semantics.edge import (
    Identity,
    Outcome,
    Verdict,
    Wire,
    carried,
    outcome,
)
from kguard.layers.mtls.semantics.inbound import protocol_of
from kguard.layers.mtls.semantics.peerauth import workload_decision
from kguard.layers.mtls.semantics.upstream import TLS_MODE_LABEL, Sends, Upstream
from kguard.layers.mtls.semantics.visibility import ANNOTATION
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import ObjectRef


class Edge(msgspec.Struct, frozen=True):
    """One way from a client to a port of a server's pods."""

    client: ObjectRef
    server: ObjectRef
    port: int
    """Of the server's pods."""
    service: str
    """`namespace/name` and port of the Service on the way; empty for a call to a pod's address."""
    plane: model.Plane
    """Of the server's pods."""
    sends: Wire
    accepts: model.Effective
    verdict: Verdict
    identity: Identity
    hazard: model.Hazard
    because: tuple[Evidence, ...]


def edges_of(view: View) -> Edges:
    """The ways between the workloads of an inventory."""
    return Edges(view, {w.id: workload_facts(view, w) for w in view.inventory.workloads})


class Edges:
    """The ways between workloads of the input.

    Args:
        view: the inventory.
        facts: the facts about workloads, by `Manifest.id`.
    """

    def __init__(self, view: View, facts: Mapping[str, model.Workload]) -> None:
        self.view, self.facts = view, facts

    def between(self, client: Workload, server: Workload) -> Iterator[Edge]:
        """Every way that the input shows: each port of each Service that leads to the server."""
        for service in self.view.services_of(server):
            for port in service.ports:
                yield from self.through(client, service, port, server)

    def through(
        self,
        client: Workload,
        service: Service,
        port: ServicePort,
        server: Workload | None = None,
        subset: str = "",
    ) -> Iterator[Edge]:
        """The ways through one port of a Service, to one or to all of the workloads behind it.

        VirtualServices are followed, unless a subset of the rule that counts is given.
        """
        if port.protocol != "TCP":
            return
        places = [Lead(service, port, subset)]
        if not subset and self._own(client):
            places = leads(self.view, client, service, port)
        found: dict[tuple[str, int, str], Edge] = {}
        for lead in places:
            for edge in self._led(client, lead, server):
                key = (edge.server.id, edge.port, edge.service)
                found[key] = merged(found[key], edge) if key in found else edge
        yield from found.values()

    def _led(self, client: Workload, lead: Lead, server: Workload | None) -> Iterator[Edge]:
        """The ways to one place to which a call is led."""
        service, port = lead.service, lead.port
        where = f"{service.manifest.namespace}/{service.manifest.name}:{port.number}"
        reached = self.view.workloads_of(service)
        if server is not None:
            reached = [workload for workload in reached if workload.id == server.id]
        found = None
        if self._obeys(client):
            found = sent(self.view, client, service, port, lead.subset)
        http = protocol_of(port.number, port.name, port.application) == "http"
        for workload in reached:
            for number in service.targets(port, workload)[:1]:
                told = self._chosen(client, lead, workload)
                if told is None:
                    told = self._told(client, (service, port), found, workload)
                if told is not _ELSEWHERE:
                    yield self._edge(client, workload, (number, where), told, http=http)

    def _chosen(self, client: Workload, lead: Lead, server: Workload) -> _Told | None:
        """What a route decides itself; None where it changes nothing for the server."""
        if not lead.certain:
            note = f"{lead.because[0].note}, and another VirtualService decides where"
            why = msgspec.structs.replace(lead.because[0], note=note)
            return _Told(None, "rule", (why,))
        rule = rule_for(self.view, client, lead.service) if lead.subset else None
        part = rule.subset(lead.subset) if rule else None
        if lead.subset and part is None:
            failed = Outcome("cut", "none", f"no rule that it obeys has the subset {lead.subset}")
            return _Told(None, "rule", lead.because, failed=failed)
        if part is not None and not part.labels.items() <= server.labels.items():
            return _ELSEWHERE
        return None

    def directly(self, client: Workload, server: Workload, number: int) -> Edge:
        """A call to the address of a pod: sidecars know no such destination."""
        note = "a sidecar passes calls to the address of a pod on as they are"
        because = (Evidence("", "", note),)
        failed = self._drops(client)
        told = _Told("plaintext", "pod_ip", because, tunnels=False, failed=failed)
        if not self._obeys(client):
            told = self._without_sidecar(client)
        return self._edge(client, server, (number, ""), told)

    def _obeys(self, client: Workload) -> bool:
        """Whether the client has a proxy that takes orders from istiod."""
        return self.facts[client.id].plane in ("sidecar", "gateway", "waypoint")

    def _told(
        self,
        client: Workload,
        through: tuple[Service, ServicePort],
        found: Upstream | None,
        server: Workload,
    ) -> _Told:
        service, port = through
        if found is None:
            return self._without_sidecar(client)
        past = self._past(client, service, port) or self._unknown(client, service, port)
        if past:
            return past
        how = found.socket if found.original_destination else found.sends.get(server.id)
        if how is None or how == "auto":
            note = f"no rule that {client.name} obeys leads it to {server.name}"
            return _Told(None, "rule", (Evidence("", "", note),))
        tunnels = not found.original_destination
        if how == "istio_mutual":
            return _Told(how, "none", (), tunnels)
        hazard, because = self._withheld(client, service, port, server)
        return _Told(how, hazard, because, tunnels)

    def _without_sidecar(self, client: Workload) -> _Told:
        fact = self.facts[client.id]
        return _Told(None, "no_identity" if fact.plane == "none" else "none", tuple(fact.because))

    def _past(self, client: Workload, service: Service, port: ServicePort) -> _Told | None:
        """What leaves the client past its sidecar."""
        if not self._own(client):
            return None
        address = service.manifest.spec.get("clusterIP")
        known = address if isinstance(address, str) and not service.headless else ""
        annotation = capture.passes_by(capture_settings(self.view, client), port.number, known)
        if not annotation:
            return None
        why = capture_evidence(self.view, client, annotation, "the call goes past the sidecar")
        return _Told("plaintext", "not_captured", (why,), tunnels=False)

    def _unknown(self, client: Workload, service: Service, port: ServicePort) -> _Told | None:
        """A Service that the client's proxy does not know: it passes calls on as they are."""
        place, host = service.manifest.namespace, host_of(self.view, service)
        sidecar = self.view.sidecar(client) if self._own(client) else None
        if not self.view.discovered(place):
            note = f"istiod does not look at namespace {place}: sidecars do not know its Services"
            why = Evidence(self.view.config.ref, self.view.config.pointer, note)
        elif not self.view.sees(client, service):
            note = f"the Service is not exported to namespace {client.namespace}"
            why = Evidence(service.manifest.id, exported_at(service), note)
        elif sidecar is None or sidecar.knows(client.namespace, place, host, port.number):
            return None
        else:
            note = f"Sidecar {sidecar.name} does not import the Service"
            why = Evidence(sidecar.id, "/spec/egress", note)
        failed = self._drops(client)
        return _Told("plaintext", "not_imported", (why,), tunnels=False, failed=failed)

    def _drops(self, client: Workload) -> Outcome | None:
        """What becomes of calls that the client's proxy drops, since it knows no such place."""
        sidecar = self.view.sidecar(client) if self._own(client) else None
        mode = sidecar.outbound if sidecar and sidecar.outbound else self.view.config.outbound
        return _DROPPED if mode == "REGISTRY_ONLY" else None

    def _own(self, client: Workload) -> bool:
        return self.facts[client.id].plane == "sidecar"

    def _withheld(
        self, client: Workload, service: Service, port: ServicePort, server: Workload
    ) -> tuple[model.Hazard, tuple[Evidence, ...]]:
        """Why a sidecar shows no identity."""
        rule = rule_for(self.view, client, service)
        if rule is not None and rule.policy is not None and _rules(rule, port.number):
            note = f"DestinationRule {rule.names[0]} decides what is sent"
            return "rule", (Evidence("", "", note),)
        if not self.view.config.auto_mtls:
            note = "automatic mutual TLS is switched off for the mesh"
            return "auto_off", (Evidence(self.view.config.ref, self.view.config.pointer, note),)
        if service.headless and self._silent(service):
            note = "the Service is headless and one of its pods has no sidecar: all get plaintext"
            return "headless", (Evidence(service.manifest.id, "/spec/clusterIP", note),)
        chain = self.view.index(self.view.revision(client.namespace, client.labels)).mesh_chain(
            service.manifest.namespace
        )
        if workload_decision(chain).mode == "disable":
            note = (
                f"policy for namespace {service.manifest.namespace} as a whole is DISABLE: "
                "sidecars send plaintext there"
            )
            return "parent_disable", (Evidence("", "", note),)
        return self._at_server(server)

    def _silent(self, service: Service) -> bool:
        return any(
            tls_labels(self.view, workload).get(TLS_MODE_LABEL) != "istio"
            for workload in self.view.workloads_of(service)
        )

    def _at_server(self, server: Workload) -> tuple[model.Hazard, tuple[Evidence, ...]]:
        fact = self.facts[server.id]
        if fact.tls_label == "off":
            place = server.pod_metadata_pointer + pointer("labels", TLS_MODE_LABEL)
            note = "the label says that the pods speak no mutual TLS"
            return "label_off", (Evidence(server.id, place, note),)
        if fact.plane != "sidecar":
            return "no_sidecar", tuple(fact.because)
        note = "the port is DISABLE or a rule decides: sidecars send plaintext there"
        return "rule", (Evidence("", "", note),)

    def _edge(
        self,
        client: Workload,
        server: Workload,
        where: tuple[int, str],
        told: _Told,
        *,
        http: bool = False,
    ) -> Edge:
        plane, target = self.facts[client.id].plane, self.facts[server.id]
        number, service = where
        wire = carried(
            plane,
            told.sends,
            tunnel=takes_tunnel(self.view, server, target.plane) if told.tunnels else False,
            speaks_mtls=tls_labels(self.view, server).get(TLS_MODE_LABEL) == "istio",
        )
        group = group_of(target, str(number))
        found = outcome(wire, target.plane, group.effective, http=http)
        found = told.failed or found
        hazard = "no_tunnel" if plane == "ambient" and wire == "plaintext" else told.hazard
        return Edge(
            client.ref,
            server.ref,
            number,
            service,
            target.plane,
            sends=wire,
            accepts=group.effective,
            verdict=found.verdict,
            identity=found.identity,
            hazard="none" if wire in ("mtls", "hbone") else hazard,
            because=(
                *told.because,
                *(group.because if found.verdict != "works" else ()),
                Evidence("", "", found.why),
            ),
        )


class _Told(msgspec.Struct, frozen=True):
    """What the client's proxy is told to send, and why no identity is."""

    sends: Sends | None
    hazard: model.Hazard
    because: tuple[Evidence, ...]
    tunnels: bool = True
    """Whether addresses come from istiod, which knows who takes a tunnel."""
    failed: Outcome | None = None
    """What becomes of the call before it leaves the client's proxy."""


_PROXY_PORTS = frozenset(map(str, capture.PROXY_PORTS))
_ELSEWHERE = _Told(None, "none", ())
"""The call is led to other pods."""


_DROPPED = Outcome(
    "cut", "none", "REGISTRY_ONLY: the client's proxy lets nothing out to what it does not know"
)


def merged(edge: Edge, other: Edge) -> Edge:
    """One way of which routes make several: what they have in common is known."""
    parts = ((edge.sends, other.sends), (edge.verdict, other.verdict))
    if all(one == two for one, two in parts):
        return edge
    note = "routes lead calls there in several ways, which differ"
    return msgspec.structs.replace(
        edge,
        sends=edge.sends if edge.sends == other.sends else "unknown",
        verdict=edge.verdict if edge.verdict == other.verdict else "unknown",
        identity=edge.identity if edge.identity == other.identity else "unknown",
        because=(*edge.because, *other.because, Evidence("", "", note)),
    )


def exported_at(service: Service) -> str:
    """Where it is written that not everybody sees a Service; empty for the mesh's default."""
    return "/metadata" + pointer("annotations", ANNOTATION) if service.export else ""


def _rules(rule: Rule, port: int) -> bool:
    """Whether the rule or one of its subsets says something about the TLS of the port."""
    policies = [rule.policy, *(subset.policy for subset in rule.subsets)]
    return any(
        policy is not None and (policy.at(port)[0].tls or policy.all_ports.tls)
        for policy in policies
    )


def group_of(workload: model.Workload, port: str) -> model.Ports:
    """The group of a TCP port; what nothing names is `other`, without the sidecar's own ports."""
    groups = [group for group in workload.modes if group.protocol == "TCP"]
    named = [group for group in groups if port in group.ports]
    found = (named or [group for group in groups if "other" in group.ports])[0]
    if not named and workload.plane == "sidecar" and port in _PROXY_PORTS:
        return msgspec.structs.replace(found, effective="uncaptured", ports=[port])
    return found
