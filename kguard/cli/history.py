# SPDX-License-Identifier: Apache-2.0
"""What does `kguard history` show?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kguard.cli.output import clean, note, write, write_json, write_rows
from kguard.errors import UsageError
from kguard.model.comparison import KINDS
from kguard.model.findings import SEVERITIES
from kguard.reporters.drift import WORDS

if TYPE_CHECKING:
    from kguard.history import Audit, Change, Effect, Kept

F = TypeVar("F", bound=Callable[..., Any])


@click.group("history")
def command() -> None:
    """Show earlier audits, since when a finding is there, and what changed.

    \b
    Examples:
      kguard history list --history audits.db
      kguard history diff --history audits.db --subject prod 2026-11-01 2026-11-30
    """


def _shared(function: F) -> F:
    for option in (
        click.option("--subject", default="", metavar="NAME", help="What was audited."),
        click.option(
            "--history",
            "file",
            required=True,
            metavar="FILE|URL",
            envvar="KGUARD_HISTORY",
            help="The history: a file or postgresql://... (also KGUARD_HISTORY).",
        ),
    ):
        function = option(function)
    return function


_FORM = click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")


@command.command("list")
@_shared
@_FORM
def list_(file: str, subject: str, output: str) -> int:
    """List the audits with their findings by severity, and what each changed."""
    from kguard import history

    with history.opened(file) as database:
        found = history.audits(database, subject)
    write_rows(found, _table(found), output)
    return 0


@command.command("trend")
@_shared
def trend(file: str, subject: str) -> int:
    """Print one line of CSV for each audit: what a spreadsheet draws."""
    from kguard import history

    with history.opened(file) as database:
        found = history.audits(database, subject)
    counted = [*reversed(SEVERITIES), "undecided"]
    head = ["subject", "at", "complete", *counted, "new", "gone", "reopened"]
    lines = [",".join(head), *(",".join(_cells(audit)) for audit in found)]
    write("".join(f"{line}\n" for line in lines), "")
    return 0


@command.command("show")
@click.argument("at", default="")
@_shared
@_FORM
def show(at: str, file: str, subject: str, output: str) -> int:
    """Show what an audit found: the last one, or the last one until AT (2026-11-30)."""
    from kguard import history

    with history.opened(file) as database:
        audit = history.find(database, subject, at)
        found = history.findings(database, audit)
        changed = history.effects_of(database, audit)
    write_rows(found, [*_story(audit, found), *_changed(changed)], output)
    return 0


@command.command("diff")
@click.argument("before")
@click.argument("after", default="")
@_shared
@_FORM
def diff(before: str, after: str, file: str, subject: str, output: str) -> int:
    """Say what changed from the last audit until BEFORE to the last one until AFTER."""
    from kguard import history

    with history.opened(file) as database:
        sides = [history.find(database, subject, at) for at in (before, after)]
        change = history.between(database, *sides)
    if output == "json":
        write_json(change)
    else:
        write("".join(f"{clean(line)}\n" for line in _lines(change)), "")
    return 0


@command.command("overview")
@click.option("-o", "--output", type=click.Choice(["txt", "json", "html"]), default="txt")
@_shared
def overview(file: str, subject: str, output: str) -> int:
    """Show where every subject stands after its last audit, as a table."""
    from kguard import history, reporters
    from kguard.fleet import table
    from kguard.reporters.text import counts_of

    with history.opened(file) as database:
        found = [row for row in history.overview(database) if subject in ("", row.name)]
    if output == "html":
        write(reporters.render("html", table(found)), "")
    else:
        lines = (clean(f"{row.at}  {row.name}  {counts_of(row)}") for row in found)
        write_rows(found, lines, output)
    return 0


@command.command("prune")
@click.option("--keep-days", type=click.IntRange(min=0), required=True, metavar="DAYS")
@_shared
def prune(keep_days: int, file: str, subject: str) -> int:
    """Forget audits older than some days; the last one of each subject stays."""
    from kguard import history

    if subject:
        raise UsageError("prune is about all subjects", hint="leave --subject out")
    with history.connect(file) as database:
        gone = history.prune(database, days=keep_days, at=datetime.now(UTC))
    note(f"{gone} audits are gone")
    return 0


def _cells(audit: Audit) -> list[str]:
    counts = [str(audit.findings.get(severity, 0)) for severity in reversed(SEVERITIES)]
    counts.append(str(audit.undecided))
    complete = "yes" if audit.complete else "no"
    changes = map(str, (audit.opened, audit.closed, audit.reopened))
    quoted = '"' + clean(audit.subject).replace('"', '""') + '"'
    return [quoted, audit.at, complete, *counts, *changes]


def _table(found: list[Audit]) -> Iterator[str]:
    for audit in found:
        number = {**audit.findings, "undecided": audit.undecided}
        words = (*reversed(SEVERITIES), "undecided")
        counts = ", ".join(f"{number[word]} {word}" for word in words if number.get(word))
        rest = "" if audit.complete else "  incomplete"
        change = f"+{audit.opened} -{audit.closed}"
        yield clean(f"{audit.at}  {audit.subject}  {change:10}  {counts or 'no findings'}{rest}")


def _story(audit: Audit, found: list[Kept]) -> Iterator[str]:
    rest = "" if audit.complete else " (incomplete)"
    yield clean(f"{audit.subject} at {audit.at}{rest}: {len(found)} findings")
    for kept in found:
        again = f", back for the {kept.reopened}. time" if kept.reopened else ""
        state = "" if kept.state == "open" else f" [{kept.state}]"
        yield clean(
            f"{kept.severity:8} {kept.policy}{state}  {kept.message}  (since {kept.since}{again})"
        )


def _changed(found: list[Effect]) -> Iterator[str]:
    for one in found:
        yield clean(f"{WORDS[one.kind]:9} {one.target}: {one.text}  (since {one.at})")


def _lines(change: Change) -> Iterator[str]:
    yield f"{change.subject} from {change.before} to {change.after}"
    if change.effects is None:
        yield "facts of one audit are forgotten: what the audits between found changed"
        yield from _changed(change.log)
    else:
        first = {(one.kind, one.target, one.text): one.at for one in reversed(change.log)}
        for kind in KINDS:
            for one in getattr(change.effects, kind):
                at = first.get((kind, one.target, one.text))
                since = f"  (since {at})" if at else ""
                yield f"{WORDS[kind]:9} {one.target}: {one.text}{since}"
    for word, kept in (("new", change.new), ("fixed", change.fixed)):
        yield from (f"{word:9} {k.severity:8} {k.policy}  {k.message}" for k in kept)
    yield f"{len(change.new)} new, {len(change.fixed)} fixed"
