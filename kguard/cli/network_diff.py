# SPDX-License-Identifier: Apache-2.0
"""How does `kguard network diff` print which connections a change opens, closes or alters?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import clean, note, write

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.inventory.places import Places
    from kguard.layers.network.changes import FlowChange

_INCOMPLETE = 3
_COLUMNS = ("diff-type", "source", "destination", "dir1", "dir2", "workloads-diff-info")


@click.command("diff")
@input_options
@click.option("-o", "--output", type=click.Choice(["txt", "json", "md", "csv", "dot"]))
@click.option("--profile", metavar="NAME", help="How policies are read; see `list`.")
def command(**arguments: Any) -> int:
    """Say which connections a change opens, closes or alters, and which lines are the cause.

    \b
    dir1 is BASE, dir2 is HEAD: two folders, or two git revisions (`rev:REV`). Exit code 0, or 3
    where a side could not be read in full or a connection cannot be decided.

    \b
    Examples:
      kguard network diff before/ after/
      kguard network diff rev:origin/main rev:HEAD -o md
    """
    from kguard.errors import UsageError
    from kguard.layers.network.changes import changes
    from kguard.layers.network.semantics.profiles import named_profile, profile_of

    if len(arguments["inputs"]) != 2:  # noqa: PLR2004 - a change has two sides
        raise UsageError("diff compares two inputs", hint="kguard network diff BASE HEAD")
    base, head, complete = _sides(arguments)
    asked = arguments["profile"]
    chosen = named_profile(asked) if asked else profile_of(head.value("cni"))
    found = changes(base, head, chosen)
    reasons = _Reasons(base, head, shown=chosen.name != "netpol-analyzer")
    write(_FORMS[arguments["output"] or "txt"](found.flows, reasons), "")
    if found.undecided:
        word = "connection" if found.undecided == 1 else "connections"
        text = f"{found.undecided} {word} of both sides cannot be decided and are not compared"
        note(text, quiet=arguments["quiet"])
    return 0 if complete and not found.undecided else _INCOMPLETE


def _sides(arguments: dict[str, Any]) -> tuple[Inventory, Inventory, bool]:
    """Both inventories, and whether all of both sides could be read."""
    from kguard.scan import inventory_of

    config = settings(arguments)
    found, complete = [], True
    for name in arguments["inputs"]:
        one = {**arguments, "inputs": (name,)}
        collected = collect(one, config)
        complete = complete and not collected.unreadable
        found.append(inventory_of(collected, options(one, config)))
    base, head = found
    return base, head, complete


class _Reasons:
    """Says what causes a change, with file and line; nothing in the form of the other tool."""

    def __init__(self, base: Inventory, head: Inventory, *, shown: bool) -> None:
        from kguard.inventory.places import Places

        self._shown = shown
        self._places: Mapping[str, Places] = {"base": Places(base), "head": Places(head)}

    def of(self, change: FlowChange) -> list[dict[str, Any]]:
        """Each cause: its side, its place (empty for an absence) and what it says."""
        found = []
        for cause in change.because if self._shown else ():
            quote, _ = self._places[cause.side].quote(cause.evidence)
            place = {"file": quote.file, "line": quote.line} if quote.file else {}
            found.append({"side": cause.side, **place, "note": quote.note})
        return found

    def words(self, change: FlowChange) -> list[str]:
        """The same as one line each."""
        return [
            f"{cause['side']}: "
            + (f"{cause['file']}:{cause['line']}  " if "file" in cause else "")
            + cause["note"]
            for cause in self.of(change)
        ]


_Form = Callable[["Sequence[FlowChange]", _Reasons], str]


def _text(found: Sequence[FlowChange], reasons: _Reasons) -> str:
    lines = list(_lines(found, reasons))
    return "".join(f"{clean(line)}\n" for line in (["Connectivity diff:", *lines] if lines else []))


def _lines(found: Sequence[FlowChange], reasons: _Reasons) -> Iterator[str]:
    for change in found:
        info = f", {_COLUMNS[-1]}: {change.workloads}" if change.workloads else ""
        yield (
            f"diff-type: {change.kind}, source: {change.src}, destination: {change.dst}, "
            f"dir1: {change.base}, dir2: {change.head}{info}"
        )
        yield from (f"    {line}" for line in reasons.words(change))


def _cells(change: FlowChange) -> list[str]:
    return [change.kind, change.src, change.dst, change.base, change.head, change.workloads]


def _json(found: Sequence[FlowChange], reasons: _Reasons) -> str:
    from kguard.layers.network.forms import as_json

    fields = ("kind", "src", "dst", "base", "head", "workloads")
    return as_json(
        [
            {**dict(zip(fields, _cells(change), strict=True)), "because": reasons.of(change)}
            for change in found
        ]
    )


def _markdown(found: Sequence[FlowChange], reasons: _Reasons) -> str:
    from kguard.layers.network.forms import markdown_table

    rows = [[*_cells(change), "; ".join(reasons.words(change))] for change in found]
    return _clean(markdown_table([*_COLUMNS, "because"], rows))


def _csv(found: Sequence[FlowChange], reasons: _Reasons) -> str:
    from kguard.layers.network.forms import comma_separated

    del reasons
    return _clean(comma_separated(_COLUMNS, map(_cells, found)))


def _dot(found: Sequence[FlowChange], reasons: _Reasons) -> str:
    from kguard.layers.network.forms import change_graph

    del reasons
    return _clean(change_graph([(c.kind, c.src, c.dst, f"{c.base} -> {c.head}") for c in found]))


def _clean(text: str) -> str:
    return "".join(f"{clean(line)}\n" for line in text.splitlines())


_FORMS: Mapping[str, _Form] = {
    "txt": _text,
    "json": _json,
    "md": _markdown,
    "csv": _csv,
    "dot": _dot,
}
