# SPDX-License-Identifier: Apache-2.0
"""What does an answer leave out, and why is it empty? Said on stderr."""

from __future__ import annotations

from typing import Any

from kguard.cli.output import note
from kguard.model.manifests import Collected
from kguard.scan import nothing_read

_MAX_TOLD = 20
"""Lines on stderr about what could not be read."""


def tell(found: Collected, arguments: dict[str, Any]) -> None:
    """Say what could not be read or was not evaluated, or that there was nothing."""
    tell_nothing(found, arguments)
    _tell(found, quiet=bool(arguments.get("quiet")))


def tell_nothing(found: Collected, arguments: dict[str, Any]) -> None:
    """Say on stderr why an answer is empty, if it is."""
    if not (found.manifests or found.documents or found.unreadable or found.not_evaluated):
        nothing = nothing_read(found, arguments["inputs"])
        text = f"{nothing.source}: {nothing.reason}; {nothing.hint}"
        note(text, quiet=bool(arguments.get("quiet")))


def _tell(found: Collected, *, quiet: bool) -> None:
    """Say on stderr what the answer leaves out."""
    said = [
        f"{entry.source}:{entry.line}: not read: {entry.reason}"
        if entry.line
        else f"{entry.source}: not read: {entry.reason}"
        for entry in sorted(found.unreadable)
    ]
    left_out = sorted(set(found.not_evaluated))
    said += [f"{entry.source}: not evaluated: {entry.reason}" for entry in left_out]
    for text in said[:_MAX_TOLD]:
        note(text, quiet=quiet)
    if len(said) > _MAX_TOLD:
        note(f"and {len(said) - _MAX_TOLD} more", quiet=quiet)
