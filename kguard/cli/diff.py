# SPDX-License-Identifier: Apache-2.0
"""How does `kguard diff` say what a change does?"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from kguard.change import Compared, around, compare, surely
from kguard.cli import values
from kguard.cli.gating import allow_incomplete, fail_on
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    live,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import note, write
from kguard.config import Config, Falco
from kguard.errors import UsageError
from kguard.model.differences import Difference
from kguard.model.findings import severity_at_least
from kguard.model.manifests import Collected
from kguard.reporters import Settings, changes
from kguard.scan import Judged, Options, scan
from kguard.sources import git, overlaid
from kguard.sources.files import display_path
from kguard.sources.listed import Listed
from kguard.sources.reading import Known

F = TypeVar("F", bound=Callable[..., Any])

EXIT_INCOMPLETE = 3
_POLICY = "policy "


def answer_options(function: F) -> F:
    """The options that say what a change must not do, and how it is told."""
    for option in reversed(_ANSWER):
        function = option(function)
    return function


def known_forms(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> Any:
    """Refuse forms that a change cannot take, before anything is read."""
    del ctx, param
    for text in given:
        values.form(text, changes.NAMES)
    return given


_ANSWER = (
    fail_on("of a new finding that makes the exit code 1"),
    click.option(
        "--fail-on-new", is_flag=True, help="Any new finding makes the exit code 1: --fail-on info."
    ),
    click.option(
        "--fail-on-weaker",
        is_flag=True,
        help="An effect that opens, cuts or weakens makes the exit code 1, too.",
    ),
    allow_incomplete(),
    click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        callback=known_forms,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(changes.NAMES)}; repeatable.",
    ),
)


@click.command("diff")
@input_options
@judge_options
@answer_options
def command(**arguments: Any) -> int:
    """Say what a change does: two folders, or two git revisions (`rev:REV`).

    \b
    `rev:A...B` is where B branched off from A. With --context or --snapshot both sides are applied
    on top of the cluster.

    \b
    Examples:
      kguard diff before/ after/
      kguard diff rev:origin/main rev:HEAD
      kguard diff rev:origin/main...HEAD:deploy deploy/ -o markdown=comment.md
    """
    if len(arguments["inputs"]) != 2:  # noqa: PLR2004 - a change has two sides
        raise UsageError("diff compares two inputs", hint="kguard diff BASE HEAD")
    return answer(_sides(arguments), arguments)


def _sides(arguments: dict[str, Any]) -> Compared:
    """Both inputs, each judged on its own or on top of a cluster."""
    config = settings(arguments)
    listed = Listed()
    arguments = {**arguments, "known": Known(), "listed": listed}
    base, head = arguments["inputs"]
    alone = of_files(arguments, config) if live(arguments) else (arguments, config)
    collected = [collect({**alone[0], "inputs": (base,)}, alone[1])]
    listed.end()
    collected.append(collect({**alone[0], "inputs": (head,)}, alone[1]))
    chosen = [options({**arguments, "inputs": (name,)}, config) for name in (base, head)]
    if live(arguments):
        there = collect({**arguments, "inputs": ()}, config)
        context = around(there, collected[0], chosen[0])
        collected = [overlaid(context, one) for one in collected]
    return compared(collected, chosen, arguments, (_root(base), _root(head)))


def compared(
    sides: Sequence[Collected],
    chosen: Sequence[Options],
    arguments: dict[str, Any],
    roots: tuple[str, str] = ("", ""),
) -> Compared:
    """Judge what there is and what there would be, each with its options, by one engine."""
    with open_engine(arguments, remembering=True) as engine:
        base, head = (scan(one, wanted, engine) for one, wanted in zip(sides, chosen, strict=True))
        sure = surely(base, head, chosen[1], engine)
    return Compared(base, head, chosen[1], roots, sure)


_OF_THE_CLUSTER = {
    "contexts": (),
    "snapshots": (),
    "all_contexts": False,
    "overlays": (),
    "flow_files": (),
    "falco_rules": (),
}
"""Inputs that are read once, with the cluster."""


def of_files(arguments: dict[str, Any], config: Config) -> tuple[dict[str, Any], Config]:
    """Arguments and settings that read the files alone which are to be applied to a cluster."""
    plain = msgspec.structs.replace(config, flows=(), falco=Falco())
    return {**arguments, **_OF_THE_CLUSTER}, plain


def _root(name: str) -> str:
    """How the files of an input are displayed below it."""
    if name.startswith(git.PREFIX):
        return git.split(name)[1]
    return display_path(Path(name))


def answer(compared: Compared, arguments: dict[str, Any]) -> int:
    """Say what is different and return the exit code.

    Args:
        compared: what is judged today, and what would be.
        arguments: those of `answer_options`, and `quiet`.
    """
    found = compare(compared)
    gate = arguments["fail_on"] or compared.options.config.fail_on
    told = {entry.source: entry.reason for entry in found.incomplete}
    for place, text in sorted(told.items()):
        if place.startswith(_POLICY):  # reading the inputs has told the rest
            note(f"{place}: {text}", quiet=arguments["quiet"])
    worse = any(_counts(one.finding.severity, gate, arguments) for one in found.new)
    if arguments["fail_on_weaker"]:
        worse = worse or any(effect.kind != "strengthens" for effect in found.effects)
    unread = bool(found.incomplete) and not arguments["allow_incomplete"]
    code = 1 if worse else EXIT_INCOMPLETE if unread else 0
    named = " ".join(map(shlex.quote, arguments["inputs"]))
    command = f"kguard {click.get_current_context().info_name} {named}"
    shown = Settings(exit_code=code, reproduce=command)
    tell(found, compared.head, arguments["outputs"] or ("txt",), shown)
    return code


def _counts(severity: Any, gate: str, arguments: dict[str, Any]) -> bool:
    return bool(arguments["fail_on_new"]) or severity_at_least(severity, gate)


def tell(found: Difference, head: Judged, outputs: Sequence[str], shown: Settings) -> None:
    """Write a change in the forms that are asked for.

    Raises:
        UsageError: a file cannot be written.
    """
    for text in outputs:
        name, destination = values.form(text, changes.NAMES)
        write(changes.render(name, found, head.report, shown), destination)
