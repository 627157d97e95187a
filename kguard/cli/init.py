# SPDX-License-Identifier: Apache-2.0
"""Which kguard.yaml fits a repository?"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kguard.cli.output import note, write
from kguard.config import FILE_NAME, Config
from kguard.errors import SourceError, UsageError

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.model.manifests import Collected

_VALUES = re.compile(r"values[-.](?P<name>[\w-]+)\.ya?ml")
_CHART = "a Helm chart: "


@click.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("-o", "--output", metavar="FILE", help="Instead of kguard.yaml; `-` for stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
def command(folder: str, output: str | None, *, quiet: bool) -> int:
    """Look at a repository and write a kguard.yaml that fits it. Nothing is overwritten.

    \b
    Examples:
      kguard init
      kguard init deploy/ -o -
    """
    target = output or str(Path(folder) / FILE_NAME)
    if target != "-" and Path(target).exists():
        raise UsageError("there is one already", where=target, hint="`-o -` prints what would fit")
    collected, inventory = _read(folder)
    write("".join(f"{line}\n" for line in fitting(Path(folder), collected, inventory)), target)
    if target != "-":
        note(f"{target} written: `kguard scan {folder}` reads it", quiet=quiet)
    return 0


def _read(folder: str) -> tuple[Collected, Inventory]:
    from kguard.cli.inputs import collect, options
    from kguard.scan import inventory_of

    arguments: dict[str, Any] = {"inputs": (folder,)}
    collected = collect(arguments, Config(), report=True)
    if not collected.manifests and not _charts(Path(folder), collected):
        raise SourceError(
            "no manifest found", where=folder, hint="name the folder with your manifests"
        )
    return collected, inventory_of(collected, options(arguments, Config()))


def fitting(folder: Path, collected: Collected, inventory: Inventory) -> Iterator[str]:
    """The lines of a kguard.yaml; what it says is what a scan without it would find."""
    yield "# What `kguard scan` without inputs reads, and what it may take for granted."
    yield "# `kguard schema config` describes every setting."
    yield from _list("inputs", inputs(folder, collected))
    whole = _whole_cluster(inventory)
    yield f"scope: {'cluster' if whole else 'app'}  # {_SCOPES[whole]}"
    yield "fail-on: high"
    yield ""
    yield "# cluster:  # say what runs; what stays out is detected, else assumed as it stands here"
    for key, entry in sorted(inventory.assumed.items()):
        if entry.value:
            yield f"#   {key}: {json.dumps(entry.value)}  # {entry.how}"
    releases = list(_releases(folder, _charts(folder, collected)))
    if releases:
        yield ""
        yield "helm:  # one entry for each environment; correct names and namespaces"
        yield from releases


_SCOPES = {
    True: "the input configures an API server: what is missing here is a finding",
    False: "one application: what the whole cluster must have is not asked of it",
}


def inputs(folder: Path, collected: Collected) -> list[str]:
    """The folders right below that hold manifests; `.` where some lie in the folder itself."""
    files = {m.text.file for m in collected.manifests} | set(_charts(folder, collected))
    files |= {entry.source.rpartition(":")[0] or entry.source for entry in collected.unreadable}
    below = {_relative(folder, file).partition("/") for file in files}
    return sorted({first for first, _, _ in below}) if all(s for _, s, _ in below) else ["."]


def _relative(folder: Path, file: str) -> str:
    return posixpath.relpath(file, folder.as_posix())


def _whole_cluster(inventory: Inventory) -> bool:
    from datetime import UTC, datetime

    from kguard import layers
    from kguard.model.layer import Request

    facts = layers.load("audit").facts(inventory, Request("app", datetime.now(UTC)))
    return bool(facts.servers)  # type: ignore[attr-defined]


def _charts(folder: Path, collected: Collected) -> list[str]:
    """The folders of charts, rendered or not, each with a slash at the end."""
    found = {
        m.text.apply_set.partition(" as ")[0]
        for m in collected.manifests
        if m.text.rendered_by == "helm"
    }
    found |= {e.source for e in collected.not_evaluated if e.reason.startswith(_CHART)}
    return sorted(f"{name}/" for name in found if (folder / _relative(folder, name)).is_dir())


def _releases(folder: Path, charts: Iterable[str]) -> Iterator[str]:
    for chart in charts:
        place = Path(chart)
        name = re.sub(r"[^a-z0-9-]", "-", place.resolve().name.lower()).strip("-") or "release"
        found = sorted(entry.name for entry in place.iterdir() if _VALUES.fullmatch(entry.name))
        for values in found or [""]:
            at = _relative(folder, chart)
            yield f"- chart: {json.dumps(at)}"
            yield f"  name: {name}"
            if match := _VALUES.fullmatch(values):
                yield f"  namespace: {match['name'].lower().replace('_', '-')}"
                yield f"  values: [{json.dumps(posixpath.join(at, values))}]"


def _list(key: str, entries: Iterable[str]) -> Iterator[str]:
    yield f"{key}:"
    yield from (f"- {json.dumps(entry)}" for entry in entries)
