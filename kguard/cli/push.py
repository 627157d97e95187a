# SPDX-License-Identifier: Apache-2.0
"""How do commands send the metrics of a report to the Pushgateway that the user names?"""

from __future__ import annotations

import os
from typing import Any

import click

from kguard import pushgateway, reporters
from kguard.errors import UsageError
from kguard.model.findings import Report

option = click.option(
    "--push-metrics",
    metavar="URL",
    help="Send the metrics to this Pushgateway; logins come from the environment.",
)


def check(arguments: dict[str, Any]) -> None:
    """Refuse what cannot be done before anything is scanned.

    Raises:
        UsageError: the address is unusable, or nothing may be sent.
    """
    if not arguments["push_metrics"]:
        return
    if arguments.get("offline"):
        raise UsageError("--offline excludes --push-metrics")
    pushgateway.check(arguments["push_metrics"], os.environ)


def push(report: Report, arguments: dict[str, Any], subject: str) -> None:
    """Send the metrics, if the user asked for it.

    Raises:
        DeliveryError: they were not taken.
    """
    if arguments["push_metrics"]:
        named = subject or arguments["subject"] or ", ".join(report.inputs) or "cluster"
        text = reporters.render("prometheus", report)
        pushgateway.push(text, arguments["push_metrics"], named, os.environ)
