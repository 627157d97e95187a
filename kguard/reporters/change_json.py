# SPDX-License-Identifier: Apache-2.0
"""What does a change do, for a machine?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.differences import Cause, Difference, Effect
from kguard.model.findings import Incomplete
from kguard.reporters.json import Entry, entry


class NewEntry(msgspec.Struct, kw_only=True):
    """A finding that the change brings, and the changed line that brings it."""

    finding: Entry
    cause: Cause | None
    """None where no single changed line is the reason."""


class Document(msgspec.Struct, kw_only=True):
    """What a change does; findings as in a report."""

    schema: Literal["kguard/diff/v1"] = "kguard/diff/v1"
    effects: list[Effect]
    new: list[NewEntry]
    fixed: list[Entry]
    undecided: list[Entry]
    """Gone only if something is applied of which nobody can tell."""
    unchanged: int
    """How many findings are on both sides."""
    objects: int
    """How many objects and files are not the same on both sides."""
    incomplete: list[Incomplete]


def render(found: Difference) -> str:
    """The whole change as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document(found)), indent=2).decode() + "\n"


def document(found: Difference) -> Document:
    """The change in the published shape."""
    return Document(
        effects=list(found.effects),
        new=[NewEntry(finding=entry(one.finding), cause=one.cause) for one in found.new],
        fixed=[entry(finding) for finding in found.fixed],
        undecided=[entry(finding) for finding in found.undecided],
        unchanged=found.unchanged,
        objects=found.objects,
        incomplete=list(found.incomplete),
    )
