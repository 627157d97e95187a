# SPDX-License-Identifier: Apache-2.0
"""Which connections are intended, each once, with what shows it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kguard.layers.network.intent import (
    declared,
    eventing,
    kafka,
    mesh,
    metrics,
    observed,
    outside,
    plumbing,
    probes,
    routes,
    serving,
    settings,
    webhooks,
)
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Names
from kguard.layers.network.semantics.ports import MAX_PORT

_WITHOUT_WORKLOADS = ("kafka", "eventing", "declared")
"""Flows that are worth telling although neither end is in the input: an object asks for them."""


def intended(names: Names) -> list[Flow]:
    """All intended connections, sorted; of several proofs for one connection the first counts."""
    istio = outside.Outside(names)
    found = [
        *settings.setting_flows(names, istio),
        *outside.entry_flows(names.inventory, names),
        *routes.route_flows(names, istio),
        *routes.published_flows(names),
        *serving.serving_flows(names),
        *eventing.eventing_flows(names),
        *kafka.kafka_flows(names),
        *webhooks.webhook_flows(names),
        *metrics.metrics_flows(names),
        *probes.probe_flows(names),
        *plumbing.api_flows(names),
        *serving.control_flows(names),
        *eventing.control_flows(),
        *declared.declared_flows(names),
        *observed.observed_flows(names),
    ]
    first = list(_placed(found, names))
    placed = [*first, *_placed(mesh.mesh_flows(names, first), names)]
    return _once([*placed, *_placed(plumbing.dns_flows(names, placed), names)])


def _placed(flows: Iterable[Flow], names: Names) -> Iterator[Flow]:
    """Pods that flows know by labels are taken from the input where they are in it."""
    known: dict[Party, list[Party]] = {}
    for flow in flows:
        for party in (flow.source, flow.target):
            if party not in known:
                known[party] = _found(party, names) or [party]
        for source in known[flow.source]:
            for target in known[flow.target]:
                in_input = source.kind == "workload" or target.kind == "workload"
                if not 1 <= flow.port <= MAX_PORT:
                    continue
                if not in_input and flow.basis not in _WITHOUT_WORKLOADS:
                    continue
                if source is flow.source and target is flow.target:
                    yield flow
                else:
                    yield msgspec.structs.replace(flow, source=source, target=target)


def _found(party: Party, names: Names) -> list[Party]:
    if party.kind != "pods" or not party.labels:
        return []
    return names.labelled(party.namespace, dict(party.labels))


def _once(flows: Iterable[Flow]) -> list[Flow]:
    found: dict[tuple[Party, Party, str, int], Flow] = {}
    for flow in sorted(flows, key=_order):
        found.setdefault(_connection(flow), flow)
    return list(found.values())


def _connection(flow: Flow) -> tuple[Party, Party, str, int]:
    return (flow.source, flow.target, flow.protocol, flow.port)


def _order(flow: Flow) -> tuple[object, ...]:
    place = flow.because
    return (*_connection(flow), flow.basis, place.ref, place.pointer, place.note)
