# SPDX-License-Identifier: Apache-2.0
"""Which calls between workloads are intended, and does each of them get through?

Intent comes from configuration that names a Service of the input.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Workload
from kguard.inventory.references import references
from kguard.layers.mtls.facts.edges import Edge, Edges
from kguard.layers.mtls.facts.services import Service
from kguard.layers.mtls.facts.view import View
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef


class Call(msgspec.Struct, frozen=True):
    """A call that the configuration of a workload names."""

    client: Workload
    service: Service
    port: int
    """Of the Service; 0 stands for all of them."""
    because: Evidence


def intended_calls(view: View) -> list[Call]:
    """Every call between workloads that the input names."""
    return [
        Call(
            client=client,
            service=view.services[found.namespace, found.service],
            port=found.port,
            because=Evidence(
                found.ref,
                found.pointer,
                f"{found.note}: {client.ref.name} calls {found.service}",
            ),
        )
        for client in view.inventory.workloads
        for found in references(view.inventory, client, view.services.keys())
    ]


class Way(msgspec.Struct, frozen=True):
    """An intended call with the ways that it can take."""

    call: Call
    edges: tuple[Edge, ...]


def ways(view: View, facts: dict[str, model.Workload]) -> list[Way]:
    """Every intended call between workloads, with what becomes of it."""
    edges = Edges(view, facts)
    return [Way(call, tuple(edges_for(edges, call))) for call in intended_calls(view)]


def edges_for(edges: Edges, call: Call) -> Iterator[Edge]:
    """The ways that a call can take: to each port that it may mean, of each workload."""
    for port in call.service.ports:
        if call.port in (0, port.number):
            yield from edges.through(call.client, call.service, port)


def edge_facts(found: list[Way]) -> list[model.Edge]:
    """The facts about every intended call; pods may call others of their own workload."""
    facts: dict[tuple[ObjectRef, ObjectRef, str, str], model.Edge] = {}
    for way in found:
        for edge in way.edges:
            fact = _fact(edge, way.call)
            facts.setdefault((fact.client, fact.server, fact.port, fact.service), fact)
    return [facts[key] for key in sorted(facts)]


def _fact(edge: Edge, call: Call) -> model.Edge:
    why = () if edge.verdict == "works" and edge.identity == "proven" else edge.because
    return model.Edge(
        client=edge.client,
        server=edge.server,
        port=str(edge.port),
        service=edge.service,
        sends=edge.sends,
        accepts=edge.accepts,
        verdict=edge.verdict,
        identity=edge.identity,
        hazard=edge.hazard,
        because=[call.because, *why],
    )
