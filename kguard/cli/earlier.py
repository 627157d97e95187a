# SPDX-License-Identifier: Apache-2.0
"""Which findings did a git revision have, for a baseline that nobody has to keep?"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kguard.cli.inputs import collect, open_engine
from kguard.cli.trusted import Wanted
from kguard.scan import Options, scan
from kguard.sources import git


def with_baseline(wanted: Wanted) -> Options:
    """The options of a scan, a baseline `rev:REV` judged with the same settings.

    Raises:
        SourceError: there is no git, no repository or no such revision.
    """
    name = wanted.options.baseline_file
    if not name.startswith(git.PREFIX) or Path(name).exists():
        return wanted.options
    plain = msgspec.structs.replace(wanted.options, baseline_file="")
    arguments = {**wanted.arguments, "inputs": tuple(_then(wanted, name)), "settled": None}
    if not arguments["inputs"]:
        return plain
    with open_engine(arguments) as engine:
        judged = scan(collect(arguments, wanted.config, report=True), plain, engine)
    known = frozenset(finding.fingerprint for finding in judged.report.findings)
    return msgspec.structs.replace(plain, known=known)


def _then(wanted: Wanted, name: str) -> list[str]:
    """The inputs as they were at the revision; those outside of the repository have no history."""
    revision, root = git.resolve(name), git.top_level()
    named = wanted.arguments["inputs"] or map(wanted.config.subject, wanted.config.inputs)
    paths = [Path(text).resolve() for text in named]
    inside = [path.relative_to(root) for path in paths if path.is_relative_to(root)]
    folders = ["" if path == Path() else f":{path.as_posix()}" for path in inside]
    return [f"{git.PREFIX}{revision}{folder}" for folder in folders]
