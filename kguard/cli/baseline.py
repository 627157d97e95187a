# SPDX-License-Identifier: Apache-2.0
"""How does `kguard baseline` accept today's findings?"""

from __future__ import annotations

from typing import Any, Literal

import click
import msgspec

from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import note, write_json
from kguard.config import Config
from kguard.model.findings import Finding, Report


class Known(msgspec.Struct):
    """An accepted finding; its fingerprint counts, the rest is for the reader."""

    fingerprint: str
    policy: str
    target: str
    cluster: str = ""


class Document(msgspec.Struct, kw_only=True):
    """The accepted findings of a scan."""

    schema: Literal["kguard/baseline/v1"] = "kguard/baseline/v1"
    at: str
    findings: list[Known]


@click.command("baseline")
@input_options
@judge_options
@click.option("-o", "--output", default="kguard-baseline.json", metavar="FILE")
def command(output: str, **arguments: Any) -> int:
    """Write the open findings to a file, so that later scans count only new ones.

    \b
    Examples:
      kguard baseline deploy/ -o kguard-baseline.json
      kguard scan deploy/ --baseline kguard-baseline.json --fail-on-new
    """
    document, _ = accepted(arguments, settings(arguments))
    write_json(document, output)
    count = len(document.findings)
    hint = f"`kguard scan ... --baseline {output} --fail-on-new` counts only others"
    note(f"{count} findings accepted in {output}; {hint}", quiet=arguments["quiet"])
    return 0


def accepted(arguments: dict[str, Any], config: Config) -> tuple[Document, Report]:
    """The open findings of the inputs, and the report that has them.

    The baseline of the settings does not count: it is what the result takes the place of.
    """
    from kguard.scan import scan

    plain = msgspec.structs.replace(config, baseline="")
    with open_engine(arguments) as engine:
        judged = scan(collect(arguments, plain), options(arguments, plain), engine)
    known = [_row(f) for f in judged.report.findings if f.state == "open"]
    return Document(at=judged.report.at, findings=known), judged.report


def _row(finding: Finding) -> Known:
    target = finding.target
    return Known(finding.fingerprint, finding.policy, str(target), target.cluster)
