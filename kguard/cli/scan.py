# SPDX-License-Identifier: Apache-2.0
"""How is `kguard scan` told what to do, and with which code does it end?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from kguard import reporters
from kguard.cli import push, values
from kguard.cli.audits import earlier, remember, subject_of
from kguard.cli.diff import known_forms, tell
from kguard.cli.earlier import since, with_baseline
from kguard.cli.fleet import audit_all, file_of, members_of, status, write_report
from kguard.cli.gating import allow_incomplete, fail_on
from kguard.cli.inputs import collect, input_options, judge_options, open_engine
from kguard.cli.trusted import Wanted, judged_by
from kguard.errors import UsageError, suggested
from kguard.sources import git
from kguard.sources.reading import Known


@click.command("scan")
@input_options
@judge_options
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"{', '.join(reporters.NAMES)}; repeatable. Of several clusters, FORMAT=FOLDER/ writes "
    "a file for each.",
)
@click.option(
    "--framework",
    "frameworks",
    multiple=True,
    metavar="NAME",
    help="Only this framework in controls-html and oscal: cis, nsa, nist, pci ...; repeatable.",
)
@fail_on("that makes the exit code 1")
@click.option(
    "--settings-from",
    metavar="REV",
    help="Settings, waivers and baseline as this git revision has them: for checks of a change.",
)
@click.option(
    "--fail-on-new",
    is_flag=True,
    help="Only findings count that neither the baseline nor the last audit of the history has.",
)
@click.option(
    "--changes",
    multiple=True,
    callback=known_forms,
    metavar="FORMAT[=FILE]",
    help="With --baseline rev:REV, what has changed since then, as `kguard diff` says it; "
    "repeatable.",
)
@allow_incomplete()
@click.option(
    "--history",
    metavar="FILE|URL",
    envvar="KGUARD_HISTORY",
    help="Add the result to this history: a file or postgresql://... (also KGUARD_HISTORY).",
)
@click.option("--subject", metavar="NAME", help="What the history calls the input.")
@click.option(
    "--run",
    metavar="NAME",
    envvar="KGUARD_RUN",
    help="What audits: its second audit of a subject replaces its first (also KGUARD_RUN).",
)
@click.option(
    "--shard",
    metavar="I/N",
    help="Audit this part of the clusters only, from 0/N (also KGUARD_SHARDS, in an Indexed Job).",
)
@push.option
@click.option("-v", "--verbose", is_flag=True, help="Name every target of grouped findings.")
def command(**arguments: Any) -> int:
    """Judge manifests or a cluster in all five layers.

    \b
    Examples:
      kguard scan deploy/
      kguard scan deploy/ --scope cluster -o terminal -o sarif=kguard.sarif
      kguard scan deploy/ --baseline rev:origin/main --fail-on-new
      kguard scan --context prod --history audits.db
      kguard scan --all-contexts -o html=overview/ --history audits.db
    """
    known_frameworks(arguments["frameworks"])
    wished = arguments["outputs"] or ("terminal",)
    formats = [values.form(text, reporters.NAMES) for text in wished]
    push.check(arguments)
    if arguments["settings_from"] or (arguments["baseline_file"] or "").startswith(git.PREFIX):
        arguments["known"] = Known()  # one revision is read more than once, or much like another
    with judged_by(arguments) as wanted:
        members = members_of(wanted)
        if members is None:
            return _one(wanted, formats)
        return audit_all(members, wanted, formats)


def _one(wanted: Wanted, formats: list[tuple[str, str]]) -> int:
    """Judge files, or one cluster."""
    from kguard.scan import scan

    arguments, subject = wanted.arguments, subject_of(wanted.arguments)
    with open_engine(arguments, remembering="known" in arguments) as engine:
        base = with_baseline(wanted, engine)
        collected = collect(arguments, wanted.config, report=True)
        judged = scan(collected, base.options, engine)
        found, change = since(base, judged, arguments, engine)
    before = earlier(found, arguments, subject)
    report = msgspec.structs.replace(found, drift=before.drift)
    settings = reporters.Settings(
        verbose=arguments["verbose"],
        exit_code=status(report, wanted, before.known),
        known=before.known,
        frameworks=arguments["frameworks"],
    )
    for name, destination in formats:
        file = file_of(name, "report") if destination.endswith("/") else ""
        write_report(name, report, settings, f"{destination}{file}" or "-")
    if change:
        inputs = shlex.join(["kguard", "scan", *report.inputs])
        baseline = shlex.quote(wanted.options.baseline_file)
        again = msgspec.structs.replace(
            settings, reproduce=f"{inputs} --baseline {baseline} --changes txt"
        )
        tell(change, judged, arguments["changes"], again)
    if subject:  # last: a history that cannot be written takes no report away
        remember(judged, arguments, subject, before.drift)
    push.push(report, arguments, subject)
    return settings.exit_code


def known_frameworks(chosen: Sequence[str]) -> None:
    """Refuse names of frameworks that the table of controls does not hold.

    Raises:
        UsageError: one of them is unknown.
    """
    if not chosen:
        return
    from kguard.engine import controls

    known = controls.names()
    for name in chosen:
        if name not in known:
            hint = suggested(name, known, f"known: {', '.join(known)}")
            raise UsageError(f"unknown framework `{name}`", hint=hint)
