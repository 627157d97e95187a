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
from kguard.layers.mtls.facts.view import Service, View
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
                f"{client.ref.name} calls {found.service}: {found.note}",
            ),
        )
        for client in view.inventory.workloads
        for found in references(view.inventory, client, view.services.keys())
    ]


def edges_for(edges: Edges, call: Call) -> Iterator[Edge]:
    """The ways that a call can take: to each port that it may mean, of each workload."""
    for port in call.service.ports:
        if call.port in (0, port.number):
            yield from edges.through(call.client, call.service, port)


def edge_facts(view: View, facts: dict[str, model.Workload], calls: list[Call]) -> list[model.Edge]:
    """The facts about every intended call between two workloads."""
    edges = Edges(view, facts)
    found: dict[tuple[ObjectRef, ObjectRef, str, str], model.Edge] = {}
    for call in calls:
        for edge in edges_for(edges, call):
            if edge.client != edge.server:
                fact = _fact(edge, call)
                found.setdefault((fact.client, fact.server, fact.port, fact.service), fact)
    return [found[key] for key in sorted(found)]


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
