# SPDX-License-Identifier: Apache-2.0
"""How does `kguard scan` audit several clusters, and where do their reports go?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kguard import reporters
from kguard.cli import values
from kguard.cli.audits import check_history, earlier, remember
from kguard.cli.inputs import collect, open_engine
from kguard.cli.output import note, write
from kguard.cli.push import push
from kguard.cli.trusted import Wanted
from kguard.errors import DeliveryError, HistoryError, UsageError, reason
from kguard.fleet import Member, Outcome, audit, beside, configured, merged, row
from kguard.model.clusters import ClusterRow
from kguard.model.comparison import Drift
from kguard.model.findings import Report
from kguard.model.manifests import Collected
from kguard.reporters.text import counted
from kguard.scan import Judged, scan
from kguard.selection import select
from kguard.triage.verdict import exit_code

Formats = Sequence[tuple[str, str]]
_OF_ONE_CLUSTER = ("events", "openreports", "policyreport")
"""Formats that are applied to the cluster that they are about."""
_STREAMS = (("jsonl", ""), ("jsonl", "-"))
"""Lines for log shippers leave as soon as a cluster is judged: memory holds one cluster."""
_SUFFIXES = {
    "html": "html",
    "controls-html": "controls.html",
    "json": "json",
    "jsonl": "jsonl",
    "markdown": "md",
    "terminal": "txt",
    "junit": "xml",
    "prometheus": "prom",
}


def members_of(wanted: Wanted) -> list[Member] | None:
    """The clusters that this runner audits; None for files, and for one cluster that is named.

    Raises:
        UsageError: two clusters have the same name, or files are named beside them.
    """
    arguments = wanted.arguments
    shard = values.shard(arguments["shard"])
    found = _named(wanted)
    if found is None and shard.count > 1:
        raise UsageError("a shard is a part of several clusters", hint="leave --shard out")
    return None if found is None else shard.part(found)


def _named(wanted: Wanted) -> list[Member] | None:
    """The clusters of all shards, by name; None for files, and for one cluster that is named."""
    arguments = wanted.arguments
    contexts, snapshots = values.contexts(arguments), arguments["snapshots"]
    if arguments["inputs"] or (not (contexts or snapshots) and wanted.config.inputs):
        return None
    if not (contexts or snapshots):
        return configured(wanted.config) or None
    if len(contexts) + len(snapshots) == 1 and not arguments["all_contexts"]:
        return None
    return beside(contexts, snapshots)


def audit_all(members: Sequence[Member], wanted: Wanted, formats: Formats) -> int:
    """Audit clusters, write the reports of each and those of all, and return the exit code.

    Raises:
        UsageError: the options make no sense, whatever the clusters are.
        HistoryError: an audit could not be recorded; all reports are written.
    """
    _check(members, wanted, formats)
    run = _Run(wanted, formats)
    for outcome in audit(members, wanted.options, run.read, run.judge):
        run.take(outcome)
    return run.finish()


def _check(members: Sequence[Member], wanted: Wanted, formats: Formats) -> None:
    select(wanted.options)
    check_history(wanted.arguments)
    if wanted.arguments["changes"]:
        raise UsageError("--changes is for files", hint="--history tells what changed in clusters")
    if wanted.arguments["subject"]:
        raise UsageError("--subject names one cluster", hint="the clusters have names")
    values.known_contexts([m.context for m in members if m.context and not m.kubeconfig])
    for name, destination in formats:
        if name in _OF_ONE_CLUSTER and not destination.endswith("/"):
            hint = f"-o {name}=FOLDER/ writes a file for each"
            raise UsageError(f"{name} is for one cluster", hint=hint)


class _Run:
    """One run over several clusters."""

    def __init__(self, wanted: Wanted, formats: Formats) -> None:
        self.wanted = wanted
        self.each = [one for one in formats if one[1].endswith("/")]
        together = [one for one in formats if not one[1].endswith("/")]
        self.streamed = [one for one in together if one in _STREAMS]
        self.all = [one for one in together if one not in _STREAMS]
        self.rows: list[ClusterRow] = []
        self.reports: list[Report] = []
        self.pages: dict[str, str] = {}
        self.codes: list[int] = []
        self.unwritten: list[HistoryError | DeliveryError] = []

    def read(self, member: Member) -> Collected:
        """Everything of one cluster."""
        arguments = {
            **self.wanted.arguments,
            "all_contexts": False,
            "contexts": () if member.snapshot else (member.context,),
            "snapshots": (member.snapshot,) if member.snapshot else (),
            "kubeconfig": member.kubeconfig,
        }
        return collect(arguments, self.wanted.config, report=True)

    def judge(self, member: Member, collected: Collected) -> Judged:
        """The report of one cluster."""
        options = msgspec.structs.replace(self.wanted.options, cluster=member.name)
        with open_engine(self.wanted.arguments) as engine:
            return scan(collected, options, engine)

    def take(self, outcome: Outcome) -> None:
        """Write what belongs to one cluster, and keep what the reports about all need."""
        arguments, name = self.wanted.arguments, outcome.member.name
        before = earlier(outcome.report, arguments, name if arguments["history"] else "")
        known = before.known
        report = msgspec.structs.replace(outcome.report, drift=before.drift)
        code = status(report, self.wanted, known)
        since = {f.fingerprint: known.get(f.fingerprint, report.at) for f in report.findings}
        line = row(name, report, since if arguments["history"] else {})
        self.codes.append(code)
        self.pages[line.name] = file_of("html", outcome.member.file_name)
        self.rows.append(line)
        settings = reporters.Settings(
            arguments["verbose"],
            code,
            known,
            cluster=line.name,
            frameworks=arguments["frameworks"],
        )
        for form, folder in self.each:
            write_report(form, report, settings, folder + file_of(form, outcome.member.file_name))
        for form, stream in self.streamed:
            write_report(form, report, settings, stream or "-")
        left_out: dict[str, Any] = {} if self.all else {"findings": ()}
        self.reports.append(msgspec.structs.replace(report, facts={}, **left_out))
        self.remember(outcome, before.drift)
        self.push(report, line.name)
        said = counted(f for f in report.findings if f.state == "open").replace("-", "no findings")
        note(f"{line.name}: {line.reason or said}", quiet=arguments["quiet"])

    def push(self, report: Report, name: str) -> None:
        """Send the metrics of one cluster, if the user asked for it."""
        try:
            push(report, self.wanted.arguments, name)
        except DeliveryError as error:
            self.unwritten.append(error)

    def remember(self, outcome: Outcome, drift: Drift | None) -> None:
        """Add the audit to the history, if there is one; a failure takes no report away."""
        if not self.wanted.arguments["history"] or outcome.judged is None:
            return
        try:
            remember(outcome.judged, self.wanted.arguments, outcome.member.name, drift)
        except HistoryError as error:
            self.unwritten.append(error)

    def finish(self) -> int:
        """Write the reports about all clusters."""
        if not self.rows:
            note("no cluster falls to this shard", quiet=self.wanted.arguments["quiet"])
            return 0
        code = next((code for code in (1, 3) if code in self.codes), 0)
        together = merged(self.rows, self.reports)
        arguments = self.wanted.arguments
        plain = reporters.Settings(arguments["verbose"], code, frameworks=arguments["frameworks"])
        for name, destination in self.all:
            write_report(name, together, plain, destination or "-")
        linked = msgspec.structs.replace(plain, pages=self.pages)
        for folder in [folder for name, folder in self.each if name == "html"]:
            write_report("html", together, linked, f"{folder}index.html")
        if self.unwritten:
            raise self.unwritten[0]
        return code


def file_of(form: str, stem: str) -> str:
    """The name of the file with a report in a folder."""
    return f"{stem}.{_SUFFIXES.get(form, f'{form}.json')}"


def status(report: Report, wanted: Wanted, known: Mapping[str, str]) -> int:
    """The exit code of a report, by what the user asked for."""
    arguments = wanted.arguments
    return exit_code(
        report,
        fail_on=arguments["fail_on"] or wanted.config.fail_on,
        allow_incomplete=arguments["allow_incomplete"],
        only_new=arguments["fail_on_new"] or wanted.config.fail_on_new,
        known=known,
    )


def write_report(name: str, report: Report, settings: reporters.Settings, destination: str) -> None:
    """Write a report in a format; the folder of a file is made where it is missing.

    Raises:
        UsageError: it cannot be written.
    """
    plain = settings if destination == "-" else msgspec.structs.replace(settings, color=False)
    if "/" in destination:
        try:
            Path(destination).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {destination}: {reason(error)}") from None
    write(reporters.render(name, report, plain), destination)
