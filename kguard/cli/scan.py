# SPDX-License-Identifier: Apache-2.0
"""How is `kguard scan` told what to do, and with which code does it end?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from kguard import reporters
from kguard.cli.earlier import with_baseline
from kguard.cli.history import remember, standing
from kguard.cli.inputs import collect, input_options, judge_options, open_engine
from kguard.cli.output import write
from kguard.cli.trusted import judged_by
from kguard.errors import UsageError, suggested
from kguard.model.findings import SEVERITIES, Report, severity_at_least


@click.command("scan")
@input_options
@judge_options
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"{', '.join(reporters.NAMES)}; repeatable.",
)
@click.option(
    "--framework",
    "frameworks",
    multiple=True,
    metavar="NAME",
    help="Only this framework in controls-html and oscal: cis, nsa, nist, pci ...; repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["none", *SEVERITIES]),
    help="The least severity that makes the exit code 1 (default high).",
)
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
    "--allow-incomplete", is_flag=True, help="What could not be read does not make the code 3."
)
@click.option(
    "--history",
    metavar="FILE|URL",
    envvar="KGUARD_HISTORY",
    help="Add the result to this history: a file or postgresql://... (also KGUARD_HISTORY).",
)
@click.option("--subject", metavar="NAME", help="What the history calls the input.")
@click.option("-v", "--verbose", is_flag=True, help="Name every target of grouped findings.")
def command(**arguments: Any) -> int:
    """Judge manifests or a cluster in all five layers.

    \b
    Examples:
      kguard scan deploy/
      kguard scan deploy/ --scope cluster -o terminal -o sarif=kguard.sarif
      kguard scan deploy/ --baseline rev:origin/main --fail-on-new
      kguard scan --context prod --history audits.db
    """
    from kguard.scan import scan

    known_frameworks(arguments["frameworks"])
    formats = [_format(text, reporters.NAMES) for text in arguments["outputs"] or ("terminal",)]
    with judged_by(arguments) as wanted, open_engine(arguments) as engine:
        collected = collect(wanted.arguments, wanted.config, report=True)
        judged = scan(collected, with_baseline(wanted), engine)
    known = standing(arguments)
    status = exit_code(
        judged.report,
        fail_on=arguments["fail_on"] or wanted.config.fail_on,
        allow_incomplete=arguments["allow_incomplete"],
        only_new=arguments["fail_on_new"],
        known=known,
    )
    for name, destination in formats:
        settings_of = reporters.Settings(
            verbose=arguments["verbose"],
            exit_code=status,
            known=known,
            color=None if destination in ("", "-") else False,
            frameworks=arguments["frameworks"],
        )
        write(reporters.render(name, judged.report, settings_of), destination)
    if arguments["history"]:  # last: a history that cannot be written takes no report away
        remember(judged, arguments)
    return status


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


def _format(text: str, known: tuple[str, ...]) -> tuple[str, str]:
    name, _, destination = text.partition("=")
    if name not in known:
        raise click.BadParameter(f"unknown format {name!r}; known: {', '.join(known)}")
    return name, destination


def exit_code(
    report: Report,
    *,
    fail_on: str,
    allow_incomplete: bool,
    only_new: bool = False,
    known: frozenset[str] = frozenset(),
) -> int:
    """0 clean, 1 findings at or above the gate, 3 incomplete; 1 goes before 3.

    Findings of the baseline, and those whose fingerprints are known, count unless only new ones
    shall.
    """
    reached = [f for f in report.findings if severity_at_least(f.severity, fail_on)]
    new = {f.state for f in reached if not (only_new and f.fingerprint in known)}
    if new & ({"open"} if only_new else {"open", "baseline"}):
        return 1
    undecided = any(f.state == "unknown" for f in reached) or not report.complete
    return 3 if undecided and not allow_incomplete else 0
