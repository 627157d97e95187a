# SPDX-License-Identifier: Apache-2.0
"""How does `kguard network` print who can talk to whom?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import clean, note, write

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.layers.network.explain import Explanation
    from kguard.layers.network.rows import Listing

_INCOMPLETE = 3
_MAX_PORT = 65535
_EXIT_CODES = {"allowed": 0, "blocked": 1, "unknown": _INCOMPLETE}


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
    """Print every possible connection as `src => dst : ports`.

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


@command.command("explain")
@input_options
@click.option("--from", "source", required=True, metavar="WHO", help="Who opens the connection.")
@click.option("--to", "target", required=True, metavar="WHO", help="Whose port it is.")
@click.option("--port", required=True, metavar="PORT", help="The port: 5432, or 53/UDP.")
@click.option("--profile", metavar="NAME", help="How policies are read; see `list`.")
def explain_(**arguments: Any) -> int:
    """Say whether a connection is possible, and which rules decide that at each end.

    WHO is NAMESPACE/WORKLOAD, an address, or `any` for any pod of the cluster. Exit code 0 if it
    is possible, 1 if it is blocked, 3 if that cannot be decided.

    \b
    Examples:
      kguard network explain deploy/ --from shop/orders --to data/postgres --port 5432
      kguard network explain deploy/ --from any --to shop/redis --port 6379
    """
    from kguard.layers.network.explain import Question, explain
    from kguard.layers.network.semantics.profiles import named_profile, profile_of
    from kguard.scan import inventory_of

    config = settings(arguments)
    inventory = inventory_of(collect(arguments, config), options(arguments, config))
    number, protocol = _port(arguments["port"])
    question = Question(arguments["source"], arguments["target"], number, protocol)
    asked = arguments["profile"]
    profile = named_profile(asked) if asked else profile_of(inventory.value("cni"))
    found = explain(inventory, profile, question)
    write("".join(f"{clean(line)}\n" for line in _explained(found, inventory)), "")
    return _EXIT_CODES[found.verdict]


def _port(text: str) -> tuple[int, Literal["TCP", "UDP", "SCTP"]]:
    from kguard.errors import UsageError

    number, _, protocol = text.partition("/")
    if not number.isdecimal() or not 1 <= int(number) <= _MAX_PORT:
        raise UsageError(f"--port {text} is no port", hint="write 5432, or 53/UDP")
    match protocol.upper():
        case "" | "TCP":
            return int(number), "TCP"
        case "UDP":
            return int(number), "UDP"
        case "SCTP":
            return int(number), "SCTP"
        case _:
            raise UsageError(f"--port {text} has no known protocol", hint="TCP, UDP or SCTP")


def _explained(found: Explanation, inventory: Inventory) -> Iterator[str]:
    from kguard.inventory.places import Places

    places = Places(inventory)
    yield f"{found.source} -> {found.target}:{found.port}: {found.verdict}"
    for side in found.sides:
        end = "outgoing" if side.direction == "egress" else "incoming"
        yield f"  {end} traffic of {side.who}: {side.verdict}"
        for evidence in side.because:
            quote, _ = places.quote(evidence)
            place = f"{quote.file}:{quote.line}  " if quote.file else ""
            yield f"    {place}{quote.note}"


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
