# SPDX-License-Identifier: Apache-2.0
"""How does `kguard diff` say what a change does?"""

from __future__ import annotations

from typing import Any, Literal

import click
import msgspec

from kguard import layers
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import clean, note, write, write_json
from kguard.errors import UsageError
from kguard.model.findings import SEVERITIES, severity_at_least
from kguard.model.layer import Comparison
from kguard.reporters.json import Entry, entry
from kguard.scan import Judged, scan
from kguard.triage.diff import Difference, difference

EXIT_INCOMPLETE = 3
_POLICY = "policy "
_MAX_TOLD = 20
"""Lines of one kind for people."""
_NAMED = 3
"""Targets that change alike and are named."""
_EFFECTS = (
    ("weaker", "weaker"),
    ("opened", "opens"),
    ("cut", "cuts"),
    ("stronger", "stronger"),
)


class Document(msgspec.Struct, kw_only=True):
    """What a change does; findings as in a report."""

    schema: Literal["kguard/diff/v1"] = "kguard/diff/v1"
    effects: Comparison
    new: list[Entry]
    fixed: list[Entry]
    unchanged: int
    """How many findings are on both sides."""


@click.command("diff")
@input_options
@judge_options
@click.option("--fail-on", type=click.Choice(["none", *SEVERITIES]))
@click.option(
    "--allow-incomplete", is_flag=True, help="What could not be read does not make the code 3."
)
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def command(output: str, fail_on: str | None, *, allow_incomplete: bool, **arguments: Any) -> int:
    """Say what a change does: two folders, or two git revisions (`rev:REV`).

    \b
    Examples:
      kguard diff before/ after/
      kguard diff rev:origin/main rev:HEAD
    """
    if len(arguments["inputs"]) != 2:  # noqa: PLR2004 - a change has two sides
        raise UsageError("diff compares two inputs", hint="kguard diff BASE HEAD")
    return answer(
        _sides(arguments),
        form=output,
        gate=fail_on or settings(arguments).fail_on,
        quiet=arguments["quiet"],
        allow_incomplete=allow_incomplete,
    )


def _sides(arguments: dict[str, Any]) -> tuple[Judged, Judged]:
    """Both inputs, each judged on its own."""
    config = settings(arguments)
    sides = []
    for name in arguments["inputs"]:
        one = {**arguments, "inputs": (name,)}
        with open_engine(arguments) as engine:
            sides.append(scan(collect(one, config), options(one, config), engine))
    before, after = sides
    return before, after


def answer(
    sides: tuple[Judged, Judged], *, form: str, gate: str, quiet: bool, allow_incomplete: bool
) -> int:
    """Print what is different and return the exit code.

    Args:
        sides: what is judged today, and what would be.
        form: `txt` or `json`.
        gate: the least severity of a new finding that makes the code 1.
        quiet: whether policies that failed are not named on stderr.
        allow_incomplete: whether what could not be read leaves the code 0.
    """
    before, after = sides
    effects = layers.compare(before.facts, after.facts)
    found = difference(before.report.findings, after.report.findings, effects)
    unread = {
        (entry.source, entry.reason)
        for side in sides
        if side.report.objects
        for entry in side.report.incomplete
    }
    for place, text in sorted(unread):
        if place.startswith(_POLICY):  # reading the inputs has told the rest
            note(f"{place}: {text}", quiet=quiet)
    if form == "json":
        write_json(_document(found))
    else:
        write(_text(found), "")
    worse = any(severity_at_least(f.severity, gate) for f in found.new)
    return 1 if worse else EXIT_INCOMPLETE if unread and not allow_incomplete else 0


def _document(found: Difference) -> Document:
    return Document(
        effects=found.effects,
        new=[entry(finding) for finding in found.new],
        fixed=[entry(finding) for finding in found.fixed],
        unchanged=found.unchanged,
    )


def _text(found: Difference) -> str:
    if found.silent:
        return "kguard: no effect on the five layers\n"
    lines = [line for field, word in _EFFECTS for line in _changes(word, found.effects, field)]
    for word, findings in (("new", found.new), ("fixed", found.fixed)):
        lines += [f"{word:9} {f.severity:8} {f.policy}  {f.message}" for f in findings[:_MAX_TOLD]]
        if len(findings) > _MAX_TOLD:
            lines.append(f"{word:9} and {len(findings) - _MAX_TOLD} more: -o json has them all")
    lines.append(f"{len(found.new)} new, {len(found.fixed)} fixed, {found.unchanged} unchanged")
    return "\n".join(clean(line) for line in lines) + "\n"


def _changes(word: str, effects: Comparison, field: str) -> list[str]:
    """The changes of one kind, a line for all targets that change alike."""
    alike: dict[str, list[str]] = {}
    for change in getattr(effects, field):
        alike.setdefault(change.text, []).append(change.target)
    lines = [f"{word:9} {_targets(names)}: {text}" for text, names in alike.items()]
    if len(lines) <= _MAX_TOLD:
        return lines
    more = len(lines) - _MAX_TOLD
    return [*lines[:_MAX_TOLD], f"{word:9} and {more} more: -o json has them all"]


def _targets(names: list[str]) -> str:
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
