# SPDX-License-Identifier: Apache-2.0
"""What does a person see on a terminal?

First the effect in words about the user's objects, then the lines that decide, then the way out;
at the end the five layers with how much of each was evaluated. Colour carries severity and
nothing else; without colour, and with 60 columns, the report reads as well.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from kguard.model.findings import Finding, Incomplete, Quote, Report
from kguard.model.safe_text import clean, shortened
from kguard.reporters import drift
from kguard.reporters.settings import Settings
from kguard.reporters.text import (
    Group,
    Row,
    assumptions,
    counts_of,
    grouped,
    listed,
    place,
    summary,
    totals,
    way_out,
)

DEFAULT_WIDTH = 100
MIN_WIDTH = 40
PLACE_WIDTH = 40
"""Places that are longer stand on a line of their own."""
MAX_OTHERS = 6
"""Further targets of a group that are named without `--verbose`."""
MAX_MESSAGES = 3
"""Further findings about the same object whose messages are shown without `--verbose`."""
MAX_EVIDENCE = 6
"""Steps of an argument that are shown without `--verbose`."""
MAX_NOT_EVALUATED = 5
MIN_GAP = 2

_STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


MAX_TEXT = 20_000
"""Characters of one text: a name that the API server takes is shorter by far."""


def plain(text: str) -> str:
    """Text of the input for a terminal, bounded."""
    return clean(shortened(text, MAX_TEXT))


def render(report: Report, settings: Settings) -> str:
    """The report as text, with colours where the terminal shows them."""
    terminal = Console()
    colored = settings.color
    if colored is None:
        colored = terminal.is_terminal and not terminal.no_color and not terminal.is_dumb_terminal
    width = settings.width or (terminal.width if terminal.is_terminal else DEFAULT_WIDTH)
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=max(width, MIN_WIDTH),
        force_terminal=colored,
        color_system="standard" if colored else None,
        no_color=not colored,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        legacy_windows=False,
    )
    for line in _Page(report, settings, console).lines():
        line.rstrip()
        console.print(line)
    return buffer.getvalue()


class _Page:
    """The lines of one report, wrapped to the width of the console."""

    def __init__(self, report: Report, settings: Settings, console: Console) -> None:
        self.report = report
        self.verbose = settings.verbose
        self.status = settings.exit_code
        self.console = console
        self.width = console.width

    def lines(self) -> Iterator[Text]:
        """The whole report."""
        found = grouped(self.report, ("open", "unknown"))
        if self.verbose:
            found += grouped(self.report, ("waived", "baseline"))
        for group in found:
            yield from self.group(group)
            yield Text()
        yield from self.not_read()
        yield from self.drift()
        yield from self.clusters()
        yield from self.table(summary(self.report))
        yield from self.last()

    def group(self, group: Group) -> Iterator[Text]:
        yield from self.head(group)
        shown = group.findings if self.verbose else group.findings[:1]
        for finding in shown:
            yield from self.wrapped(Text(plain(finding.message), "bold"), "  ")
            yield from self.argument(finding)
            yield from self.waiver(finding)
        if not self.verbose:
            yield from self.others(group)
        label, text = way_out(group, self.report)
        if label:
            yield from self.wrapped(Text(plain(text)), f"  {label:<6} ", hanging=9)

    def head(self, group: Group) -> Iterator[Text]:
        first = group.first
        severity = f"{first.severity} ({first.state})" if first.state != "open" else first.severity
        line = Text(f"{first.layer.upper():<9} ")
        line.append(f"{severity:<9} ", _STYLES[first.severity])
        policy = plain(first.policy)
        if line.cell_len + len(policy) > self.width:
            yield line
            line = Text("  ")
        line.append(policy)
        more = f"+ {len(group.findings) - 1} more like this"
        if len(group.findings) > 1 and not self.verbose:
            gap = self.width - line.cell_len - len(more)
            if gap < MIN_GAP:
                yield line
                line, gap = Text(), 2
            line.append(" " * gap + more, "dim")
        yield line

    def argument(self, finding: Finding) -> Iterator[Text]:
        """The evidence: the lines that decide, each with its place."""
        evidence = finding.evidence if self.verbose else finding.evidence[:MAX_EVIDENCE]
        places = [plain(place(quote)) for quote in evidence]
        column = max((cell_len(text) for text in places), default=0)
        beside = column <= min(PLACE_WIDTH, self.width * 2 // 5)
        texts = _dedented(evidence)
        for quote, where, text in zip(evidence, places, texts, strict=True):
            if beside:
                yield from self.step(quote, Text(f"    {where}", "dim"), text, column + 6)
            else:
                if where:
                    yield from self.wrapped(Text(where, "dim"), "    ")
                yield from self.step(quote, Text(), text, 6)
        if len(evidence) < len(finding.evidence):
            yield Text(f"    ... and {len(finding.evidence) - len(evidence)} more (-v)", "dim")

    def step(self, quote: Quote, head: Text, text: str, column: int) -> Iterator[Text]:
        """One step: `place  | quoted line  note`, on several lines where it does not fit."""
        note = plain(quote.note)
        if head and not note and not text:
            yield head
        head.append(" " * max(column - head.cell_len, 0))
        if text:
            head.append(f"\N{BOX DRAWINGS LIGHT VERTICAL} {text}")
            if note and head.cell_len + 4 + cell_len(note) <= self.width:
                head.append(f"    {note}", "italic")
                note = ""
            head.truncate(self.width, overflow="ellipsis")
            yield head
            head = Text(" " * column)
        if note:
            yield from self.wrapped(Text(note, "italic"), head.plain, hanging=column)

    def waiver(self, finding: Finding) -> Iterator[Text]:
        if finding.waiver:
            waiver = finding.waiver
            text = f"waived until {waiver.get('until', '?')} by {waiver.get('by', '?')}: "
            yield from self.wrapped(Text(plain(text + waiver.get("reason", ""))), "    ")

    def others(self, group: Group) -> Iterator[Text]:
        """What else the group is about: other objects by name, other places by their message."""
        here, *rest = group.findings
        for finding in [f for f in rest if f.target == here.target][:MAX_MESSAGES]:
            yield from self.wrapped(Text(plain(finding.message)), "  also   ", hanging=9)
        names = [*dict.fromkeys(f.target for f in rest if f.target != here.target)]
        text = listed(names[:MAX_OTHERS], [here.target, *names])
        if len(names) > MAX_OTHERS:
            text += f" and {len(names) - MAX_OTHERS} more (-v)"
        if names:
            yield from self.wrapped(Text(plain(text)), "  also   ", hanging=9)

    def not_read(self) -> Iterator[Text]:
        for entry in self.report.incomplete:
            yield from self.incomplete(entry)
        left = self.report.not_evaluated
        shown = left if self.verbose else left[:MAX_NOT_EVALUATED]
        for skipped in shown:
            text = f"{skipped.source}: {skipped.reason}"
            yield from self.wrapped(Text(plain(text)), "not evaluated  ", hanging=15)
        if len(shown) < len(left):
            yield Text(f"not evaluated  ... and {len(left) - len(shown)} more (-v)")
        if left or self.report.incomplete:
            yield Text()

    def incomplete(self, entry: Incomplete) -> Iterator[Text]:
        text = plain(f"{entry.source}: {entry.reason}")
        yield from self.wrapped(Text(text, "bold"), "not read       ", hanging=15)
        if entry.hint:
            yield from self.wrapped(Text(plain(entry.hint)), "               hint: ", hanging=15)

    def drift(self) -> Iterator[Text]:
        """What changed since the last audit."""
        if self.report.drift:
            yield from self.wrapped(Text(drift.heading(self.report.drift), "bold"), "")
            for word, text in drift.lines(self.report):
                yield from self.wrapped(Text(plain(text)), f"  {word:<9}", hanging=11)
            yield Text()

    def clusters(self) -> Iterator[Text]:
        """A line for each of several clusters."""
        rows = self.report.clusters
        for number, text in enumerate(map(counts_of, rows)):
            if number == 0:
                yield Text("cluster", "dim")
            yield from self.wrapped(Text(plain(text)), f"{plain(rows[number].name)}  ", hanging=4)
        if rows:
            yield Text()

    def table(self, rows: list[Row]) -> Iterator[Text]:
        """Layer, findings, evaluated: the last column is wrapped into its own width."""
        first = max(cell_len(row.layer) for row in rows) + 2
        second = max(cell_len(row.findings) for row in (*rows, _HEAD)) + 2
        if first + second > self.width - 20:
            second = max(self.width - 20 - first, 12)
        yield Text(f"{'layer':<{first}}{'findings':<{second}}evaluated", "dim")
        for row in rows:
            yield from self.row(row, first, second)

    def row(self, row: Row, first: int, second: int) -> Iterator[Text]:
        middle = Text(row.findings).wrap(self.console, second - 2)
        right = Text(plain(row.evaluated)).wrap(self.console, self.width - first - second)
        for number in range(max(len(middle), len(right), 1)):
            line = Text(f"{row.layer if number == 0 else '':<{first}}")
            left = middle[number].plain.rstrip() if number < len(middle) else ""
            line.append(f"{left:<{second}}")
            if number < len(right):
                line.append(right[number].plain)
            yield line

    def last(self) -> Iterator[Text]:
        assumed = assumptions(self.report)
        text = f"{totals(self.report)}."
        if assumed:
            text += f"  {assumed}"
        if not self.report.complete:
            text += "  The scan is incomplete."
        yield Text()
        yield from self.wrapped(Text(plain(f"{text}  exit {self.status}")), "")

    def wrapped(self, text: Text, prefix: str, *, hanging: int | None = None) -> Iterator[Text]:
        """The text behind a prefix; its further lines are indented to the same column."""
        indent = len(prefix) if hanging is None else hanging
        room = max(self.width - max(indent, len(prefix)), 16)
        for number, line in enumerate(text.wrap(self.console, room)):
            yield Text(prefix if number == 0 else " " * indent).append_text(line)


_HEAD = Row("layer", "findings", "evaluated", "")


def _dedented(evidence: tuple[Quote, ...]) -> list[str]:
    """The quoted lines; those that stand together in the file keep their indentation."""
    found: list[str] = []
    run: list[Quote] = []
    for quote in evidence:
        if run and not (quote.file == run[-1].file and 0 < quote.line - run[-1].line <= 1):
            found += _shifted(run)
            run = []
        run.append(quote)
    return found + _shifted(run)


def _shifted(run: list[Quote]) -> list[str]:
    texts = [plain(quote.text).rstrip() for quote in run]
    shift = min((len(text) - len(text.lstrip(" ")) for text in texts if text), default=0)
    return [text[shift:] for text in texts]
