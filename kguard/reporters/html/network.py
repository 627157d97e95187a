# SPDX-License-Identifier: Apache-2.0
"""What does the page show of the network: who can open what, and a drawing of intended flows?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.reporters.html.cells import MAX_ROWS, name_of, rows, words
from kguard.reporters.html.drawing import Arc, Node, draw

_PLUMBING = frozenset({"dns", "mesh", "metrics", "probe"})
"""What every workload needs: listed, and drawn only where policies block it."""

MAX_DRAWN = 60
"""Nodes of the drawing; beyond that it would show nothing."""


_NOTHING = ("", "nothing", "unknown", "not published")


class Exposure(msgspec.Struct, frozen=True):
    """One workload and who can open it."""

    name: str
    place: str
    """`namespace/name`, as flows call it."""
    internet: str
    cluster: str
    namespace: str
    admits: str
    risk: str
    """`open`, `partial`, `closed` or `unknown`: the worst of the three."""


class Connection(msgspec.Struct, frozen=True):
    """One intended flow."""

    source: str
    target: str
    port: str
    basis: str
    verdict: str


class View(msgspec.Struct, frozen=True):
    """The section."""

    exposures: tuple[Exposure, ...]
    flows: tuple[Connection, ...]
    drawing: Any
    """Markup of an inline SVG, or empty."""
    not_drawn: int
    left_out: int


def view(facts: Mapping[str, Any]) -> View:
    """The section of a facts document."""
    workloads = rows(facts, "workloads")
    exposures = [_exposure(workload) for workload in workloads]
    flows = [_connection(flow) for flow in rows(facts, "flows")]
    shown = [flow for flow in flows if flow.basis not in _PLUMBING or flow.verdict == "blocked"]
    names = _names(exposures, shown)
    drawable = 0 < len(names) <= MAX_DRAWN
    return View(
        exposures=tuple(exposures[:MAX_ROWS]),
        flows=tuple(flows[:MAX_ROWS]),
        drawing=_drawing(names, exposures, shown) if drawable else "",
        not_drawn=0 if drawable else len(names),
        left_out=max(len(exposures), len(flows), MAX_ROWS) - MAX_ROWS,
    )


def _exposure(workload: Mapping[str, Any]) -> Exposure:
    ingress = workload.get("ingress") or {}
    doubt = str(workload.get("doubt") or "none")
    reaches = [str((ingress.get(k) or {}).get("reach", "")) for k in ("internet", "cluster")]
    if not workload.get("published"):
        reaches = reaches[1:]
    risk = "closed"
    if any(reach in ("everything", "ports") for reach in reaches):
        risk = "open"
    elif "unknown" in reaches or doubt != "none":
        risk = "unknown"
    elif ingress.get("isolation") != "closed":
        risk = "partial"
    admits = [str(text) for text in ingress.get("admits") or []]
    name = name_of(workload.get("ref"))
    return Exposure(
        name=name,
        place=name.partition(" ")[2],
        internet=_outside(workload, _admission(ingress.get("internet"))),
        cluster=_admission(ingress.get("cluster")),
        namespace=_admission(ingress.get("namespace")),
        admits="; ".join(admits),
        risk=risk,
    )


def _outside(workload: Mapping[str, Any], admitted: str) -> str:
    """What policies admit from the internet matters only where something leads there."""
    if admitted in _NOTHING or workload.get("published") or workload.get("host_network"):
        return admitted
    return "not published"


def _admission(found: Any) -> str:
    if not isinstance(found, dict):
        return ""
    reach = found.get("reach")
    ports = [str(port) for port in found.get("ports") or []]
    if reach == "everything" or ports == ["*"]:
        return "every port"
    if reach == "ports":
        return ", ".join(ports)
    return {"nothing": "nothing", "unknown": "unknown"}.get(str(reach), words(reach))


def _connection(flow: Mapping[str, Any]) -> Connection:
    return Connection(
        source=str(flow.get("source", "")),
        target=str(flow.get("target", "")),
        port=str(flow.get("port", "")),
        basis=words(flow.get("basis")),
        verdict=str(flow.get("verdict", "unknown")),
    )


def _names(exposures: list[Exposure], flows: list[Connection]) -> list[str]:
    """All ends: workloads in their order, then what else opens or takes connections."""
    ends = [end for flow in flows for end in (flow.source, flow.target)]
    return list(dict.fromkeys([*(e.place for e in exposures), *ends]))


def _drawing(names: list[str], exposures: list[Exposure], flows: list[Connection]) -> Any:
    risks = {exposure.place: exposure for exposure in exposures}
    nodes = [_node(name, risks.get(name)) for name in names]
    arcs: dict[tuple[str, str], Arc] = {}
    for flow in flows:
        key = (flow.source, flow.target)
        earlier = arcs.get(key)
        blocked = flow.verdict == "blocked" or (earlier is not None and earlier.blocked)
        label = f"{earlier.label}, {flow.port}" if earlier else flow.port
        arcs[key] = Arc(flow.source, flow.target, label, blocked)
    return draw(nodes, list(arcs.values()))


def _node(name: str, exposure: Exposure | None) -> Node:
    group, _, short = name.partition("/")
    if exposure is None or not short:
        return Node(name, "elsewhere", name, "", "none")
    note = ""
    if exposure.internet not in _NOTHING:
        note = f"internet: {exposure.internet}"
    elif exposure.cluster not in _NOTHING:
        note = f"any pod: {exposure.cluster}"
    return Node(name, group, short, note, exposure.risk)
