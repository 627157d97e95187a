# SPDX-License-Identifier: Apache-2.0
"""How is a report shown? Each reporter is pure: Report -> str."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from kguard.model.findings import Report
from kguard.reporters.settings import Settings

NAMES = (
    "terminal",
    "json",
    "sarif",
    "junit",
    "markdown",
    "html",
    "controls-html",
    "oscal",
    "jsonl",
    "gitlab-quality",
    "gitlab-sast",
    "events",
    "openreports",
    "policyreport",
    "prometheus",
)
"""Every reporter; each lives in the module of its name and is imported when it is used."""

__all__ = ["NAMES", "Reporter", "Settings", "render"]


class Reporter(Protocol):
    """What a reporter's module offers."""

    def render(self, report: Report, settings: Settings) -> str:
        """The report in this format. The same report gives the same text."""


def render(name: str, report: Report, settings: Settings | None = None) -> str:
    """The report in one of the formats of `NAMES`."""
    reporter: Reporter = import_module(f"kguard.reporters.{name.replace('-', '_')}")
    return reporter.render(report, settings or Settings())
