# SPDX-License-Identifier: Apache-2.0
"""Which connections are intended, each once, with what shows it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.network.intent import knative, plumbing, routes, settings
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Names

_WITHOUT_WORKLOADS = ("kafka", "eventing")
"""Flows that are worth telling although neither end is in the input: an object asks for them."""


def intended(inventory: Inventory, workloads: Sequence[Workload]) -> list[Flow]:
    """All intended connections, sorted; of several proofs for one connection the first counts."""
    names = Names(inventory, workloads)
    found = [
        *settings.setting_flows(inventory, workloads, names),
        *routes.route_flows(inventory, workloads, names),
        *routes.published_flows(names, workloads),
        *knative.serving_flows(inventory, workloads),
        *knative.eventing_flows(inventory, workloads, names),
        *plumbing.webhook_flows(inventory, workloads, names),
        *plumbing.metrics_flows(workloads),
        *knative.control_flows(inventory),
    ]
    found += plumbing.dns_flows(workloads, found)
    found += plumbing.mesh_flows(inventory, workloads)
    return _once(_placed(found, workloads))


def _placed(flows: Iterable[Flow], workloads: Sequence[Workload]) -> Iterator[Flow]:
    """Pods that flows know by labels are taken from the input where they are in it."""
    known: dict[Party, list[Party]] = {}
    for flow in flows:
        for party in (flow.source, flow.target):
            if party not in known:
                known[party] = _found(party, workloads) or [party]
        for source in known[flow.source]:
            for target in known[flow.target]:
                in_input = source.kind == "workload" or target.kind == "workload"
                if source != target and (in_input or flow.basis in _WITHOUT_WORKLOADS):
                    yield msgspec.structs.replace(flow, source=source, target=target)


def _found(party: Party, workloads: Sequence[Workload]) -> list[Party]:
    labels = dict(party.labels)
    if party.kind != "pods" or not labels:
        return []
    return [
        Party("workload", workload.name, index=index)
        for index, workload in enumerate(workloads)
        if workload.namespace == party.namespace and labels.items() <= workload.labels.items()
    ]


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
