# SPDX-License-Identifier: Apache-2.0
"""How does `kguard network` print who can talk to whom?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.network_diff import command as diff_command
from kguard.cli.output import clean, note, write

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.inventory.places import Places
    from kguard.layers.network.explain import Explanation
    from kguard.layers.network.rows import Focus, Listing
    from kguard.layers.network.semantics.profiles import Profile
    from kguard.model.facts.common import Evidence
    from kguard.model.manifests import Collected

_INCOMPLETE = 3
_MAX_PORT = 65535
_EXIT_CODES = {"allowed": 0, "blocked": 1, "unknown": _INCOMPLETE}


@click.group("network")
def command() -> None:
    """Print who can talk to whom, under all policies together."""


_profile_option = click.option(
    "--profile",
    metavar="NAME",
    help="How policies are read: a network plugin, generic, or netpol-analyzer.",
)


@command.command("list")
@input_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["txt", "json", "md", "csv", "dot", "svg"]),
    default="txt",
    help="The form of the rows.",
)
@click.option(
    "--focus", "--focusworkload", default="", metavar="WORKLOAD", help="Only what it takes part in."
)
@click.option(
    "--focus-peer",
    "--focusworkload-peer",
    default="",
    metavar="WORKLOAD",
    help="The other end of what is shown.",
)
@click.option(
    "--focus-direction",
    type=click.Choice(["ingress", "egress"]),
    help="Only connections to (ingress) or from (egress) the focus.",
)
@click.option("--focus-conn", metavar="PORT", help="Only this port: 5432, 53/UDP or tcp-5432.")
@click.option(
    "--exposure",
    is_flag=True,
    help="Also what is open to pods and namespaces that are not in the input (txt or json).",
)
@_profile_option
def list_(**arguments: Any) -> int:
    """Print every possible connection as `src => dst : ports`.

    \b
    Only certain connections are listed; what cannot be decided is said on stderr (exit code 3).

    \b
    Examples:
      kguard network list deploy/
      kguard network list deploy/ --focus shop/redis --focus-direction ingress -o md
    """
    from kguard.layers.network.forms import FORMS
    from kguard.layers.network.rows import listing

    collected, inventory = _read(arguments)
    found = listing(inventory, profile(arguments, inventory), _focus(arguments))
    form = arguments["output"]
    text = _exposed(arguments, inventory) if arguments["exposure"] else FORMS[form](found.rows)
    write(text if form == "json" else lines(text), "")
    doubts = _doubts(arguments, inventory, found)
    for doubt in doubts:
        note(doubt, quiet=arguments["quiet"])
    return _INCOMPLETE if doubts or collected.unreadable else 0


def _exposed(arguments: dict[str, Any], inventory: Inventory) -> str:
    from kguard.errors import UsageError
    from kguard.layers.network.exposure import as_json, as_text, exposure
    from kguard.layers.network.forms import FORMS
    from kguard.layers.network.semantics.cluster import Cluster

    if arguments["focus"] or arguments["focus_conn"]:
        raise UsageError("--exposure shows all connections", hint="leave --focus out")
    found = exposure(Cluster(inventory, profile(arguments, inventory)))
    form = arguments["output"]
    if form == "json":
        return as_json(found)
    if form == "txt":
        return as_text(found)
    return FORMS[form]([*found.rows, *found.egress, *found.ingress])


def _read(arguments: dict[str, Any]) -> tuple[Collected, Inventory]:
    from kguard.scan import inventory_of

    config = settings(arguments)
    collected = collect(arguments, config)
    return collected, inventory_of(collected, options(arguments, config))


def profile(arguments: dict[str, Any], inventory: Inventory) -> Profile:
    """The reading of the API that was asked for, else that of the plugin."""
    from kguard.layers.network.semantics.profiles import named_profile, profile_of

    asked = arguments["profile"]
    return named_profile(asked) if asked else profile_of(inventory.value("cni"))


def lines(text: str) -> str:
    """A text whose lines hold nothing that a terminal would obey."""
    return "".join(f"{clean(line)}\n" for line in text.splitlines())


def _focus(arguments: dict[str, Any]) -> Focus:
    from kguard.layers.network.rows import Focus

    number, protocol = 0, ""
    if arguments["focus_conn"]:
        number, protocol = port_of(arguments["focus_conn"], "--focus-conn")
    return Focus(
        workload=arguments["focus"],
        peer=arguments["focus_peer"],
        direction=arguments["focus_direction"] or "",
        protocol=protocol,
        port=number,
    )


@command.command("explain")
@input_options
@click.option("--from", "source", required=True, metavar="WHO", help="Who opens the connection.")
@click.option("--to", "target", required=True, metavar="WHO", help="Whose port it is.")
@click.option("--port", required=True, metavar="PORT", help="The port: 5432, or 53/UDP.")
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
@_profile_option
def explain_(**arguments: Any) -> int:
    """Say whether a connection is possible, and which rules of which tier decide at each end.

    WHO is NAMESPACE/WORKLOAD, an address, or `any` for any pod of the cluster. Exit code 0 if it
    is possible, 1 if it is blocked, 3 if that cannot be decided.

    \b
    Examples:
      kguard network explain deploy/ --from shop/orders --to data/postgres --port 5432
      kguard network explain deploy/ --from any --to shop/redis --port 6379
    """
    from kguard.layers.network.explain import Question, explain

    _, inventory = _read(arguments)
    number, protocol = port_of(arguments["port"], "--port")
    question = Question(arguments["source"], arguments["target"], number, protocol)
    found = explain(inventory, profile(arguments, inventory), question)
    if arguments["output"] == "json":
        write(_explained_as_json(found, inventory), "")
    else:
        write("".join(f"{clean(line)}\n" for line in _explained(found, inventory)), "")
    return _EXIT_CODES[found.verdict]


def port_of(text: str, option: str) -> tuple[int, Literal["TCP", "UDP", "SCTP"]]:
    """A port as users write it: `5432`, `53/UDP` or `tcp-5432`.

    Raises:
        UsageError: it is none.
    """
    from kguard.errors import UsageError

    number, _, protocol = text.partition("/")
    if not number.isdecimal() and not protocol:
        protocol, _, number = text.rpartition("-")
    if not number.isdecimal() or not 1 <= int(number) <= _MAX_PORT:
        raise UsageError(f"{option} {text} is no port", hint="write 5432, or 53/UDP")
    match protocol.upper():
        case "" | "TCP":
            return int(number), "TCP"
        case "UDP":
            return int(number), "UDP"
        case "SCTP":
            return int(number), "SCTP"
        case _:
            raise UsageError(f"{option} {text} has no known protocol", hint="TCP, UDP or SCTP")


def _explained(found: Explanation, inventory: Inventory) -> Iterator[str]:
    from kguard.inventory.places import Places
    from kguard.layers.network.facts.words import plugin_words

    places = Places(inventory)
    yield f"{found.verdict.upper()}  {found.port}  {found.source} -> {found.target}"
    for side in found.sides:
        yield f"  {side.direction:8} {side.who}: {side.verdict}"
        for step in side.steps:
            tier = f"{step.tier} tier: " if step.tier else ""
            yield f"    {tier}{_placed(places, step.evidence)}"
        if side.otherwise:
            yield f"    would be decided next by: {side.otherwise}"
    if found.plugins:
        yield f"  depends on the plugin: {plugin_words(found.plugins)}"
        yield "    say which one runs with --assume cni=NAME"
    if found.mesh:
        yield f"  mesh     {found.mesh}"
    if found.meant is not None:
        yield from _intent(found, places)


def _intent(found: Explanation, places: Places) -> Iterator[str]:
    if not found.meant:
        yield f"Nothing in the input says that {found.source} needs {found.target}."
    for evidence in found.meant or ():
        yield f"Meant, as far as the input shows: {_placed(places, evidence)}"


def _placed(places: Places, evidence: Evidence) -> str:
    quote, _ = places.quote(evidence)
    place = f"{quote.file}:{quote.line}" if quote.line else quote.file
    return f"{quote.note} ({place})" if place else quote.note


def _explained_as_json(found: Explanation, inventory: Inventory) -> str:
    from kguard.inventory.places import Places
    from kguard.layers.network.forms import as_json

    places = Places(inventory)

    def said(evidence: Evidence) -> dict[str, Any]:
        quote, _ = places.quote(evidence)
        return {"file": quote.file, "line": quote.line, "note": quote.note}

    return as_json(
        {
            "source": found.source,
            "target": found.target,
            "port": found.port,
            "verdict": found.verdict,
            "sides": [
                {
                    "direction": side.direction,
                    "who": side.who,
                    "verdict": side.verdict,
                    "steps": [{"tier": s.tier, **said(s.evidence)} for s in side.steps],
                    "otherwise": side.otherwise,
                }
                for side in found.sides
            ],
            "mesh": found.mesh,
            "plugins": found.plugins,
            "meant": None if found.meant is None else [said(place) for place in found.meant],
        }
    )


def _doubts(arguments: dict[str, Any], inventory: Inventory, found: Listing) -> list[str]:
    said = [f"refused by the API server, without effect: {text}" for text in found.refused]
    said += [f"not evaluated, takes part in deciding: {text}" for text in found.not_modelled]
    if found.uncertain:
        count = len(found.uncertain)
        word = "connection" if count == 1 else "connections"
        said.append(f"{count} further {word} may be possible, for example:")
        said += [f"  {row}" for row in found.uncertain[:3]]
        said += _plugins(arguments, inventory, found)
        said.append("  `kguard network explain` says why, and which plugins would answer what")
    return said


def _plugins(arguments: dict[str, Any], inventory: Inventory, found: Listing) -> list[str]:
    """How many of the uncertain rows there are under each plugin, where it is not known."""
    from kguard.layers.network.rows import by_plugin
    from kguard.layers.network.semantics.profiles import GENERIC

    if profile(arguments, inventory) != GENERIC:
        return []
    counts = by_plugin(inventory, found, _focus(arguments))
    if not any(counts.values()):
        return []
    said = ", ".join(f"{count or 'none'} under {name}" for name, count in counts.items())
    return [f"  that depends on the network plugin: {said}"]


command.add_command(diff_command)
