# SPDX-License-Identifier: Apache-2.0
"""Which findings did a git revision have, for a baseline that nobody has to keep?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kguard.change import Compared, compare, surely
from kguard.cli.inputs import collect
from kguard.cli.trusted import Wanted
from kguard.engine.base import Engine
from kguard.errors import UsageError
from kguard.model.differences import Difference
from kguard.model.findings import Report
from kguard.reporters.change_sarif import anchored
from kguard.scan import Judged, Options, scan
from kguard.sources import git
from kguard.sources.listed import Listed
from kguard.triage.unrendered import touched


class Earlier(NamedTuple):
    """What is known before a scan."""

    options: Options
    """Those of the scan, with the findings that there were."""
    judged: Judged | None = None
    """The state of the revision; None where no revision is the baseline."""


def with_baseline(wanted: Wanted, engine: Engine) -> Earlier:
    """The options of a scan, a baseline `rev:REV` judged with the same settings.

    Raises:
        SourceError: there is no git, no repository or no such revision, or the clone lacks it.
    """
    name = wanted.options.baseline_file
    if not name.startswith(git.PREFIX) or Path(name).exists():
        return Earlier(wanted.options)
    plain = msgspec.structs.replace(wanted.options, baseline_file="")
    wanted.arguments["listed"] = Listed(git.top_level())
    arguments = {**wanted.arguments, "inputs": tuple(_then(wanted, name)), "settled": None}
    if not arguments["inputs"]:
        return Earlier(plain)
    collected = collect(arguments, wanted.config, report=True)
    wanted.arguments["listed"].end()
    judged = scan(collected, plain, engine)
    found = (finding for finding in judged.report.findings if finding.state != "waived")
    known = frozenset(finding.fingerprint for finding in found)
    return Earlier(msgspec.structs.replace(plain, known=known), judged)


def _then(wanted: Wanted, name: str) -> list[str]:
    """The inputs as they were at the revision; those outside of the repository have no history."""
    revision, root = git.tree(name).commit, git.top_level()
    named = wanted.arguments["inputs"] or map(wanted.config.subject, wanted.config.inputs)
    paths = [Path(text).resolve() for text in named]
    inside = [path.relative_to(root) for path in paths if path.is_relative_to(root)]
    folders = ["" if path == Path() else f":{path.as_posix()}" for path in inside]
    return [f"{git.PREFIX}{revision}{folder}" for folder in folders]


def since(
    earlier: Earlier, judged: Judged, arguments: Mapping[str, Any], engine: Engine
) -> tuple[Report, Difference | None]:
    """The report with new findings at the lines that bring them, and what has changed.

    Raises:
        UsageError: changes are asked for, and no revision is the baseline.
    """
    if earlier.judged is None:
        if arguments["changes"]:
            hint = "--baseline rev:origin/main"
            raise UsageError("--changes needs a revision as the baseline", hint=hint)
        return judged.report, None
    sure = surely(earlier.judged, judged, earlier.options, engine)
    found = compare(Compared(earlier.judged, judged, earlier.options, sure=sure))
    return _with_doubts(anchored(judged.report, found), earlier.judged, judged), found


def _with_doubts(report: Report, base: Judged, head: Judged) -> Report:
    """A change in what is not rendered is asked for and not decided."""
    doubts = touched(base.inventory.collected, head.inventory.collected)
    unread = tuple(sorted({*report.incomplete, *doubts}))
    return msgspec.structs.replace(report, incomplete=unread, complete=not unread)
