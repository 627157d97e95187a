# SPDX-License-Identifier: Apache-2.0
"""Which connections are intended, each once, with what shows it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kguard.inventory import Inventory, Workload
from kguard.layers.network.intent import knative, plumbing, routes, settings
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Names


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
    ]
    found += plumbing.dns_flows(workloads, found)
    found += plumbing.mesh_flows(inventory, workloads)
    return _once(found)


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
