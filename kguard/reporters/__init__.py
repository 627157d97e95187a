# SPDX-License-Identifier: Apache-2.0
"""How is a report shown? Each reporter is pure: Report -> str."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Protocol

import msgspec

from kguard.model.findings import Finding, Report
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

_TELLING = ("json", "jsonl", "html")
"""Formats that name the cluster of a finding themselves."""

__all__ = ["NAMES", "Reporter", "Settings", "render"]


class Reporter(Protocol):
    """What a reporter's module offers."""

    def render(self, report: Report, settings: Settings) -> str:
        """The report in this format. The same report gives the same text."""


def render(name: str, report: Report, settings: Settings | None = None) -> str:
    """The report in one of the formats of `NAMES`."""
    reporter: Reporter = import_module(f"kguard.reporters.{name.replace('-', '_')}")
    shown = report if name in _TELLING else _told_apart(report)
    return reporter.render(shown, settings or Settings())


def _told_apart(report: Report) -> Report:
    """Findings of several clusters that say so in what every format shows of them."""
    if not report.clusters:
        return report
    return msgspec.structs.replace(report, findings=tuple(map(_told, report.findings)))


def _told(finding: Finding) -> Finding:
    cluster = finding.target.cluster
    identity = hashlib.sha256(f"{finding.fingerprint}\x1f{cluster}".encode()).hexdigest()
    return msgspec.structs.replace(
        finding, message=f"{cluster}: {finding.message}", fingerprint=identity[:24]
    )
