# SPDX-License-Identifier: Apache-2.0
"""How does `kguard explain` say why a finding is one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    live,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import clean
from kguard.cli.policies import clean_lines, describe, find
from kguard.engine import catalog, examples, own
from kguard.errors import UsageError
from kguard.model.findings import Finding, Policy
from kguard.selection import folders

_MIN_PREFIX = 6


@click.command("explain")
@click.argument("subject")
@input_options
@judge_options
@click.option("--report", metavar="FILE", help="A JSON report, instead of inputs.")
def command(subject: str, report: str | None, **arguments: Any) -> int:
    """Say why: what a policy wants, with an example, or what decides a finding.

    \b
    Examples:
      kguard explain network/no-default-deny
      kguard explain 1f3a9c deploy/
    """
    own_folders = folders(settings(arguments), arguments["policy_dirs"])
    policies = [*catalog.bundled(), *own.read(own_folders).policies]
    if "/" in subject:
        policy = find(subject, policies)
        click.echo(describe(policy))
        if policy.bundled and (found := examples.example(policy.id)):
            click.echo(f"\n{clean_lines(examples.lines(found))}")
        return 0
    if not (report or arguments["inputs"] or live(arguments) or settings(arguments).inputs):
        hint = f"`kguard explain {subject} INPUT` for a finding, LAYER/NAME for a policy"
        raise UsageError(f"where has {subject} been found?", hint=hint)
    finding = _pick(subject, _from_report(report) if report else _from_inputs(arguments))
    click.echo(_story(finding, find(finding.policy, policies)))
    return 0


def _from_inputs(arguments: dict[str, Any]) -> list[Finding]:
    from kguard.scan import scan

    config = settings(arguments)
    with open_engine(arguments) as engine:
        judged = scan(collect(arguments, config), options(arguments, config), engine)
    return list(judged.report.findings)


class _Stored(msgspec.Struct):
    findings: list[Finding]


def _from_report(path: str) -> list[Finding]:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=_Stored).findings
    except (OSError, msgspec.MsgspecError) as error:
        hint = f"`kguard scan ... -o json={path}` writes one"
        raise UsageError(f"no report of kguard: {error}", where=path, hint=hint) from None


def _pick(prefix: str, findings: list[Finding]) -> Finding:
    found = [f for f in findings if f.fingerprint.startswith(prefix)]
    if len(prefix) < _MIN_PREFIX or not found:
        hint = "take it from `kguard scan -o json`, at least 6 characters of it"
        raise UsageError(f"no finding has the fingerprint {prefix}", hint=hint)
    if len(found) > 1:
        raise UsageError(f"{len(found)} findings start with {prefix}", hint="give more characters")
    return found[0]


def _story(finding: Finding, policy: Policy) -> str:
    lines = [
        clean(f"{finding.severity}  {finding.policy}  {finding.target}"),
        clean(finding.message),
        "",
        "because",
    ]
    for quote in finding.evidence:
        where = f"{quote.file}:{quote.line}" if quote.file else quote.cluster
        lines.append(f"  {clean(where):32} {clean(quote.note)}")
        if quote.text:
            lines.append(f"      | {clean(quote.text)}")
    lines += ["", describe(policy)]
    return "\n".join(lines)
