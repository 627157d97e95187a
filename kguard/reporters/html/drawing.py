# SPDX-License-Identifier: Apache-2.0
"""How are flows between workloads drawn so that a narrow screen and a screen reader follow?

An arc diagram: one line a workload, grouped by namespace, arcs from source to target at the right.
It is 360 units wide, so that it fits a telephone without scaling. Colours come from the style
sheet, so that dark mode and print have their own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kguard.model.safe_text import clean

WIDTH = 360
LINE = 34
TOP = 10
HEAD = 26
NAME_WIDTH = 208
"""Where names end and arcs begin."""
MAX_NAME = 25
"""Characters of a name; the full one is in the title."""
MAX_NOTE = 34


class Node(msgspec.Struct, frozen=True):
    """A workload, or something else at an end of a flow."""

    id: str
    group: str
    name: str
    note: str
    risk: str


class Arc(msgspec.Struct, frozen=True):
    """Flows from one node to another."""

    source: str
    target: str
    label: str
    blocked: bool


def draw(nodes: list[Node], arcs: list[Arc]) -> Any:
    """An inline SVG with a title and a description."""
    from markupsafe import Markup

    ordered = sorted(nodes, key=lambda node: (node.group == "elsewhere", node.group, node.name))
    places, heads, height = _layout(ordered)
    parts = [_head(height, len(nodes), len(arcs))]
    parts += [_group(name, y) for name, y in heads]
    parts += [_node(node, places[node.id]) for node in ordered]
    longest = max((abs(places[a.source] - places[a.target]) for a in arcs), default=1)
    parts += [_arc(arc, places, max(longest, 1)) for arc in arcs]
    parts.append(Markup("</svg>"))
    return Markup("\n").join(parts)


def _layout(nodes: list[Node]) -> tuple[dict[str, int], list[tuple[str, int]], int]:
    """The vertical place of every node, the headings of groups, and the height of all."""
    places: dict[str, int] = {}
    heads: list[tuple[str, int]] = []
    y, group = TOP, None
    for node in nodes:
        if node.group != group:
            group = node.group
            heads.append((group, y + HEAD - 7))
            y += HEAD
        places[node.id] = y + LINE // 2
        y += LINE
    return places, heads, y + TOP


def _head(height: int, nodes: int, arcs: int) -> Any:
    from markupsafe import Markup

    return Markup(
        '<svg class="flows" viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="flows-title flows-text">'
        '<title id="flows-title">Intended connections</title>'
        '<desc id="flows-text">{arcs} connections between {nodes} ends; the table below lists '
        "each of them.</desc>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
    ).format(width=WIDTH, height=height, arcs=arcs, nodes=nodes)


def _group(name: str, y: int) -> Any:
    from markupsafe import Markup

    return Markup('<text class="group" x="6" y="{y}">{name}</text>').format(
        y=y, name=_cut(name, MAX_NAME)
    )


def _node(node: Node, y: int) -> Any:
    from markupsafe import Markup

    return Markup(
        '<g class="node {risk}"><title>{full}</title>'
        '<rect x="4" y="{top}" width="{width}" height="{height}" rx="4"/>'
        '<circle cx="14" cy="{y}" r="4"/><text x="24" y="{name_y}">{name}</text>'
        '<text class="note" x="24" y="{note_y}">{note}</text></g>'
    ).format(
        risk=node.risk,
        full=clean(f"{node.id} {node.note}".strip()),
        top=y - LINE // 2 + 2,
        width=NAME_WIDTH - 8,
        height=LINE - 4,
        y=y,
        name_y=y - 1 if node.note else y + 4,
        note_y=y + 11,
        name=_cut(node.name, MAX_NAME),
        note=_cut(node.note, MAX_NOTE),
    )


def _arc(arc: Arc, places: dict[str, int], longest: int) -> Any:
    from markupsafe import Markup

    start, end = places[arc.source], places[arc.target]
    room = WIDTH - NAME_WIDTH - 12
    reach = NAME_WIDTH + 24 + (room - 24) * abs(start - end) // longest
    kind = "blocked" if arc.blocked else "allowed"
    shift = 5 if start < end else -5
    path = f"M{NAME_WIDTH} {start + shift}C{reach} {start + shift} {reach} {end} {NAME_WIDTH} {end}"
    text = f"{arc.source} to {arc.target}, port {arc.label}: {kind}"
    return Markup(
        '<path class="arc {kind}" d="{path}" marker-end="url(#tip)"><title>{text}</title></path>'
    ).format(kind=kind, path=path, text=clean(text))


def _cut(text: str, length: int) -> str:
    text = clean(text)
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"
