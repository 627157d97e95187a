# SPDX-License-Identifier: Apache-2.0
"""How do listings of connections look as a table, as CSV, as a graph or as a drawing?

Names come from manifests: each form escapes what could mean something in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from kguard.layers.network.rows import ConnectionRow

_COLUMNS = ("src", "dst", "conn")
_ROW_HEIGHT, _LEFT, _MIDDLE, _RIGHT = 26, 10, 470, 930
_COLOURS = {"outside": "#9c4221", "pods": "#2b4c7e", "line": "#5a6472"}
_KINDS = {"added": "#276749", "changed": "#97266d", "removed": "#9b2c2c"}


def as_text(rows: Iterable[ConnectionRow]) -> str:
    """One row a line."""
    return "".join(f"{row}\n" for row in rows)


def as_json(rows: Any) -> str:
    """A list of objects, or one object."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def as_markdown(rows: Iterable[ConnectionRow]) -> str:
    """A table."""
    return markdown_table(_COLUMNS, ([row.src, row.dst, row.conn] for row in rows))


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of the given columns; cells cannot break out of it."""
    lines = [columns, ["-" * (len(name) + 2) for name in columns], *rows]
    return "".join(
        f"|{'|'.join(line)}|\n" if number == 1 else f"| {' | '.join(map(_cell, line))} |\n"
        for number, line in enumerate(lines)
    )


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")


def as_csv(rows: Iterable[ConnectionRow]) -> str:
    """Comma-separated values with a heading."""
    return comma_separated(_COLUMNS, ([row.src, row.dst, row.conn] for row in rows))


def comma_separated(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Comma-separated values with a heading; no cell starts a formula of a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row])
    return text.getvalue()


def as_dot(rows: Iterable[ConnectionRow]) -> str:
    """A graph in the language of Graphviz, namespaces as clusters."""
    edges = list(rows)
    return dot_graph({name for row in edges for name in (row.src, row.dst)}, map(_edge, edges))


def change_graph(changes: Sequence[tuple[str, str, str, str]]) -> str:
    """A graph of changes (kind, source, target, what it was and is), coloured by kind."""
    edges = [
        f"  {_quoted(src)} -> {_quoted(dst)} [label={_quoted(text)} "
        f'color="{_KINDS[kind]}" fontcolor="{_KINDS[kind]}"]\n'
        for kind, src, dst, text in changes
    ]
    return dot_graph({name for _, *ends, _ in changes for name in ends}, edges)


def _edge(row: ConnectionRow) -> str:
    colours = f'color="{_COLOURS["line"]}" fontcolor="{_COLOURS["line"]}"'
    return f"  {_quoted(row.src)} -> {_quoted(row.dst)} [label={_quoted(row.conn)} {colours}]\n"


def dot_graph(names: Iterable[str], edges: Iterable[str]) -> str:
    """A graph of named ends and ready-made edges."""
    found = ["digraph {\n"]
    spaces: dict[str, list[str]] = {}
    for name in sorted(names):
        space, slash, _ = name.partition("/")
        spaces.setdefault(space if slash and "[External]" not in name else "", []).append(name)
    for space, members in sorted(spaces.items()):
        found += _cluster(space, members)
    return "".join([*found, *edges, "}\n"])


def _cluster(space: str, members: list[str]) -> list[str]:
    indent = "    " if space else "  "
    lines = [indent + _node(name, space) for name in members]
    if not space:
        return lines
    head = [f"  subgraph {_quoted('cluster_' + space)} {{\n", '    color="black"\n']
    return [*head, *lines, f"    label={_quoted(space)}\n", "  }\n"]


def _node(name: str, space: str) -> str:
    colour = _COLOURS["pods" if space else "outside"]
    label = name.removeprefix(f"{space}/") if space else name
    return (
        f'{_quoted(name)} [label={_quoted(label)} color="{colour}" fontcolor="{colour}" '
        'shape="box"]\n'
    )


def _quoted(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def as_svg(rows: Iterable[ConnectionRow]) -> str:
    """A drawing: sources at the left, targets at the right, ports on hover and in the text."""
    edges = list(rows)
    sources = _places(row.src for row in edges)
    targets = _places(row.dst for row in edges)
    height = _ROW_HEIGHT * (max(len(sources), len(targets), 1) + 1)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 {height}" role="img" '
            f'font-family="sans-serif" font-size="12">\n<title>{len(edges)} possible connections'
            "</title>\n"
        ),
        *(_line(row, sources[row.src], targets[row.dst]) for row in edges),
        *(_name(name, _LEFT, y) for name, y in sources.items()),
        *(_name(name, _RIGHT - 200, y) for name, y in targets.items()),
    ]
    return "".join([*parts, "</svg>\n"])


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: _ROW_HEIGHT * (n + 1) for n, name in enumerate(sorted(set(names)))}


def _line(row: ConnectionRow, start: int, end: int) -> str:
    path = f"M{_MIDDLE - 60} {start - 4}C{_MIDDLE + 60} {start - 4} {_MIDDLE + 140} {end - 4}"
    return (
        f'<path d="{path} {_RIGHT - 210} {end - 4}" fill="none" stroke="{_COLOURS["line"]}">'
        f"<title>{escape(str(row))}</title></path>\n"
    )


def _name(name: str, x: int, y: int) -> str:
    colour = _COLOURS["pods" if "/" in name else "outside"]
    return f'<text x="{x}" y="{y}" fill="{colour}">{escape(name)}</text>\n'


FORMS: Mapping[str, Callable[[Sequence[ConnectionRow]], str]] = {
    "txt": as_text,
    "json": as_json,
    "md": as_markdown,
    "csv": as_csv,
    "dot": as_dot,
    "svg": as_svg,
}
"""The outputs of listings, by the name of the option."""
