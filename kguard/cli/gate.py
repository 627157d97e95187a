# SPDX-License-Identifier: Apache-2.0
"""How does `kguard gate` say what manifests would do to a cluster, before they are applied?"""

from __future__ import annotations

from typing import Any

import click

from kguard.change import Compared
from kguard.cli import diff
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    live,
    options,
    settings,
)
from kguard.errors import UsageError
from kguard.sources import overlaid


@click.command("gate")
@input_options
@judge_options
@diff.answer_options
def command(**arguments: Any) -> int:
    """Say what manifests would change for the worse where they are to be applied.

    Only what they bring counts: findings that the cluster has already are none of theirs.

    \b
    Examples:
      kguard gate deploy/ --context prod
      kguard gate deploy/ --snapshot prod.kguard.gz -o json
    """
    return diff.answer(_sides(arguments), arguments)


def _sides(arguments: dict[str, Any]) -> Compared:
    """The cluster as it is, and with the manifests on top."""
    config = settings(arguments)
    if not live(arguments):
        hint = "--context NAME, or --snapshot FILE of `kguard snapshot`"
        raise UsageError("gate asks for a cluster to compare with", hint=hint)
    there = {**arguments, "inputs": ()}
    top = collect(*diff.of_files(arguments, config))
    base = collect(there, config)
    chosen = options(there, config)
    return diff.compared((base, overlaid(base, top)), (chosen, chosen), arguments)
