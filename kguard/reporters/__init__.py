# SPDX-License-Identifier: Apache-2.0
"""How is a report shown? Each reporter is pure: Report -> str."""

from __future__ import annotations

import msgspec

from kguard.model.findings import Report

NAMES = ("terminal", "json", "sarif", "junit", "markdown", "html")


class Settings(msgspec.Struct, frozen=True):
    """What the user wants to see."""

    verbose: bool = False
    exit_code: int = 0
    """The code that the command will end with, for the last line of the terminal report."""
    color: bool | None = None
    """None: as the terminal allows."""
    width: int = 0
    """Columns; 0: as the terminal says."""


def render(name: str, report: Report, settings: Settings) -> str:
    """The report in a format."""
    raise NotImplementedError(name, report, settings)
