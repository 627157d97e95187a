# SPDX-License-Identifier: Apache-2.0
"""How does `kguard gate` say what manifests would do to a cluster, before they are applied?"""

from __future__ import annotations

from typing import Any

import click
import msgspec

from kguard.cli import diff
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    live,
    open_engine,
    options,
    settings,
)
from kguard.config import Falco
from kguard.errors import UsageError
from kguard.model.findings import SEVERITIES
from kguard.scan import Judged, scan
from kguard.sources import overlaid

_OF_THE_CLUSTER = {
    "contexts": (),
    "snapshots": (),
    "all_contexts": False,
    "overlays": (),
    "flow_files": (),
    "falco_rules": (),
}
"""Inputs that are read once, with the cluster."""


@click.command("gate")
@input_options
@judge_options
@click.option(
    "--fail-on",
    type=click.Choice(["none", *SEVERITIES]),
    help="The least severity of a new finding that makes the exit code 1 (default high).",
)
@click.option(
    "--allow-incomplete", is_flag=True, help="What could not be read does not make the code 3."
)
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def command(output: str, fail_on: str | None, *, allow_incomplete: bool, **arguments: Any) -> int:
    """Say what manifests would change for the worse where they are to be applied.

    Only what they bring counts: findings that the cluster has already are none of theirs.

    \b
    Examples:
      kguard gate deploy/ --context prod
      kguard gate deploy/ --snapshot prod.kguard.gz -o json
    """
    return diff.answer(
        _sides(arguments),
        form=output,
        gate=fail_on or settings(arguments).fail_on,
        quiet=arguments["quiet"],
        allow_incomplete=allow_incomplete,
    )


def _sides(arguments: dict[str, Any]) -> tuple[Judged, Judged]:
    """The cluster as it is, and with the manifests on top."""
    config = settings(arguments)
    if not live(arguments):
        hint = "--context NAME, or --snapshot FILE of `kguard snapshot`"
        raise UsageError("gate asks for a cluster to compare with", hint=hint)
    there = {**arguments, "inputs": ()}
    files = {**arguments, **_OF_THE_CLUSTER}
    top = collect(files, msgspec.structs.replace(config, flows=(), falco=Falco()))
    base = collect(there, config)
    chosen = options(there, config)
    sides = []
    for state in (base, overlaid(base, top)):
        with open_engine(arguments) as engine:
            sides.append(scan(state, chosen, engine))
    before, after = sides
    return before, after
