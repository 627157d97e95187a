# SPDX-License-Identifier: Apache-2.0
"""What does a policy find, and what closes it, shown on an example?

The examples are those of `policies/examples.json`: `python -m support.examples` takes them from
the case folders of the tests, so that each shows what kguard really finds and really writes.
"""

from __future__ import annotations

from functools import cache

import msgspec

from kguard import data


class Step(msgspec.Struct, frozen=True):
    """One step of the argument."""

    where: str
    """`file:line`; empty for an absence."""
    text: str
    note: str


class Change(msgspec.Struct, frozen=True):
    """One file that closes the finding."""

    name: str
    text: str
    """The content of a new file, or a unified diff."""
    new: bool


class Example(msgspec.Struct, frozen=True):
    """One finding of a policy with what closes it."""

    case: str
    """The case folder that it was taken from."""
    target: str
    message: str
    steps: tuple[Step, ...]
    """The lines that decide: the state before."""
    changes: tuple[Change, ...]
    """The remedy: the state after. Empty where no manifest closes the finding."""
    instead: str = ""
    """What closes the finding where no manifest does."""


@cache
def _all() -> dict[str, Example]:
    text = (data.policies_dir() / "examples.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Example])


def example(policy: str) -> Example | None:
    """The example of a shipped policy by its id; None for a policy of the user."""
    return _all().get(policy)


def lines(found: Example) -> list[str]:
    """An example as text: before, then after."""
    shown = ["before", f"  {found.target}: {found.message}"]
    for step in found.steps:
        parts = [part for part in (step.where, f"| {step.text}" if step.text else "") if part]
        shown.append(f"    {'  '.join(parts)}".rstrip() if parts else f"    {step.note}")
        if parts and step.note:
            shown[-1] += f"    {step.note}"
    shown.append("after")
    for change in found.changes:
        shown.append(f"  {'new file' if change.new else 'change of'} {change.name}")
        shown += [f"    {line}".rstrip() for line in change.text.splitlines()]
    if found.instead:
        shown.append(f"  no manifest closes it: {found.instead}")
    return shown
