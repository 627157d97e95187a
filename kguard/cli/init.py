# SPDX-License-Identifier: Apache-2.0
"""How does a repository begin with kguard: settings, a pipeline, what is accepted for now?"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from kguard.cli import pipelines
from kguard.cli.baseline import accepted
from kguard.cli.fitting import BASELINE_FILE, SCHEMA_FILE, Fit, charts
from kguard.cli.output import clean, note, write, write_json
from kguard.config import FILE_NAME, Config, read
from kguard.errors import SourceError, UsageError, reason
from kguard.model.findings import LAYERS, SEVERITIES, Report


@click.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("-o", "--output", metavar="FILE", help="The settings alone, here; `-` for stdout.")
@click.option(
    "--ci",
    type=click.Choice(pipelines.CHOICES),
    default="auto",
    help="The pipeline to write; auto: by the files and remotes of the repository.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing of what was decided.")
def command(folder: str, output: str | None, ci: str, *, dry_run: bool, quiet: bool) -> int:
    """Look at a repository and write settings, a pipeline and a first baseline that fit it.

    Nothing is overwritten: what is there stays, and what is missing is added.

    \b
    Examples:
      kguard init
      kguard init --dry-run
      kguard init deploy/ -o -
    """
    if output:
        return _settings_alone(folder, output, quiet=quiet)
    lines = list(_Start(Path(folder), dry_run=dry_run).run(ci))
    if not quiet:
        click.echo("\n".join(map(clean, lines)))
    return 0


def _settings_alone(folder: str, output: str, *, quiet: bool) -> int:
    if output != "-" and Path(output).exists():
        raise UsageError("there is one already", where=output, hint="`-o -` prints what would fit")
    write(_fit(Path(folder)).settings(), output)
    if output != "-":
        note(f"{output} written: `kguard scan {folder} --config {output}` reads it", quiet=quiet)
    return 0


def _fit(folder: Path) -> Fit:
    from kguard.cli.inputs import collect, options
    from kguard.scan import inventory_of

    arguments: dict[str, Any] = {"inputs": (str(folder),)}
    collected = collect(arguments, Config(), report=True)
    if not collected.manifests and not charts(folder, collected):
        raise SourceError(
            "no manifest found", where=str(folder), hint="name the folder with your manifests"
        )
    return Fit(folder, collected, inventory_of(collected, options(arguments, Config())))


class _Start:
    """The files of a repository that begins."""

    def __init__(self, folder: Path, *, dry_run: bool) -> None:
        self.folder, self.dry_run = folder, dry_run
        self.top = pipelines.root(folder)
        self.settings = folder / FILE_NAME

    def run(self, ci: str) -> Iterator[str]:
        """Write what is missing, and tell it line by line."""
        fit = _fit(self.folder)
        if self.settings.exists():
            yield self._row(FILE_NAME, "is there already, and stays")
        else:
            self._write(self.settings, fit.settings())
            yield self._row(FILE_NAME, self._done)
            yield from (f"  {d.what:10} {d.value}: {d.why}" for d in fit.decisions())
            yield from self._schema()
        pipeline = pipelines.found(self.top, self._paths(fit.inputs), ci)
        yield from self._pipeline(pipeline)
        yield from self._baseline()
        yield ""
        yield "next"
        if pipeline.next:
            yield f"  {pipeline.next}"
        yield from self._next()

    @property
    def _done(self) -> str:
        return "would be written" if self.dry_run else "written"

    def _row(self, file: str, text: str) -> str:
        return f"{file:28} {text}"

    def _write(self, path: Path, text: str) -> None:
        if self.dry_run:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise UsageError(f"cannot be written: {reason(error)}", where=str(path)) from None

    def _schema(self) -> Iterator[str]:
        from kguard.cli.schemas import schema

        place = self.folder / SCHEMA_FILE
        if not place.exists():
            text = msgspec.json.format(msgspec.json.encode(schema("config")), indent=2).decode()
            self._write(place, f"{text}\n")
            yield self._row(SCHEMA_FILE, f"{self._done}: editors complete and check the settings")

    def _paths(self, inputs: Iterable[str]) -> list[str]:
        """The inputs as the top of the repository names them."""
        return [os.path.relpath(self.folder.resolve() / name, self.top) for name in inputs]

    def _pipeline(self, pipeline: pipelines.Pipeline) -> Iterator[str]:
        if not pipeline.file:
            yield self._row("pipeline", f"none written: {pipeline.why}")
            return
        place = self.top / pipeline.file
        if place.exists():
            yield self._row(pipeline.file, "is there already, and stays")
            return
        self._write(place, pipeline.text)
        yield self._row(pipeline.file, f"{self._done}: {pipeline.why}")

    def _baseline(self) -> Iterator[str]:
        place = self.folder / BASELINE_FILE
        if place.exists():
            yield self._row(BASELINE_FILE, "is there already, and stays")
            return
        config = Config() if self.dry_run else read(self.settings)
        if not self.dry_run and config.baseline != BASELINE_FILE:
            yield self._row(BASELINE_FILE, f"not written: {FILE_NAME} names no such baseline")
            return
        document, report = accepted({"inputs": (str(self.folder),), "quiet": True}, config)
        if not self.dry_run:
            write_json(document, str(place))
        yield self._row(BASELINE_FILE, f"{self._done}: {_counts(report)} accepted for now")
        yield from _judged(report)

    def _next(self) -> Iterator[str]:
        where = "" if self.folder == Path() else f" {self.folder}"
        yield f"  kguard scan{where}: what is open; from now on only new findings make it fail"
        yield f"  kguard fix{where} --out remedies/: what closes those that were accepted"
        yield "  commit the files, and delete from the baseline what you have closed"


def _judged(report: Report) -> Iterator[str]:
    """How much of each layer was judged, and what keeps a scan from being complete."""
    for name, layer in report.coverage.items():
        if name not in LAYERS:
            continue
        if layer.state == "evaluated" and layer.total:
            text = f"{layer.evaluated} of {layer.total} {layer.subject}"
        else:
            text = layer.note or layer.state.replace("_", " ")
        yield f"  {name:10} {text}"
    for entry in report.incomplete[:_SHOWN]:
        yield f"  incomplete {entry.source}: {entry.reason}"
    doubts = sum(f.state == "unknown" for f in report.findings)
    if doubts:
        yield f"  undecided  {doubts} findings: a scan is incomplete (exit 3) while high ones are"


_SHOWN = 5
"""Causes of an incomplete scan that are named."""


def _counts(report: Report) -> str:
    counts = Counter(f.severity for f in report.findings if f.state == "open")
    each = ", ".join(f"{counts[s]} {s}" for s in reversed(SEVERITIES) if counts[s])
    return f"{sum(counts.values())} findings" + (f" ({each})" if each else "")
