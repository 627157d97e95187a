# SPDX-License-Identifier: Apache-2.0
"""What does a report look like as OpenReports?"""

from __future__ import annotations

from kguard.model.findings import Report
from kguard.reporters.results import rendered
from kguard.reporters.settings import Settings


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as a List of Report and ClusterReport objects."""
    return rendered(report, "openreports.io/v1alpha1", "Report")
