# SPDX-License-Identifier: Apache-2.0
"""How does `kguard network` print who can talk to whom?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import clean, note, write

if TYPE_CHECKING:
    from kguard.layers.network.rows import Listing

_INCOMPLETE = 3


@click.group("network")
def command() -> None:
    """Print who can talk to whom, under all policies together."""


@command.command("list")
@input_options
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
@click.option(
    "--profile",
    metavar="NAME",
    help="How policies are read: a network plugin, generic, or netpol-analyzer.",
)
def list_(**arguments: Any) -> int:
    r"""Print every possible connection as `src => dst : ports`.

    \b
    Only certain connections are listed; what cannot be decided is said on stderr (exit code 3).

    \b
    Examples:
      kguard network list deploy/
      kguard network list deploy/ --profile netpol-analyzer -o json
    """
    from kguard.layers.network.rows import listing
    from kguard.layers.network.semantics.profiles import named_profile, profile_of
    from kguard.scan import inventory_of

    config = settings(arguments)
    collected = collect(arguments, config)
    inventory = inventory_of(collected, options(arguments, config))
    asked = arguments["profile"]
    profile = named_profile(asked) if asked else profile_of(inventory.value("cni"))
    found = listing(inventory, profile)
    write(_json(found) if arguments["output"] == "json" else _text(found), "")
    doubts = [f"{entry.source}: {entry.reason}" for entry in collected.unreadable]
    doubts += _doubts(found)
    for doubt in doubts:
        note(doubt, quiet=arguments["quiet"])
    return _INCOMPLETE if doubts else 0


def _text(found: Listing) -> str:
    return "".join(f"{clean(str(row))}\n" for row in found.rows)


def _json(found: Listing) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found.rows), indent=2).decode() + "\n"


def _doubts(found: Listing) -> list[str]:
    said = [f"refused by the API server, without effect: {text}" for text in found.refused]
    said += [f"not evaluated, takes part in deciding: {text}" for text in found.not_modelled]
    if found.uncertain:
        said.append(f"{len(found.uncertain)} further connections may be possible, for example:")
        said += [f"  {row}" for row in found.uncertain[:3]]
    return said
