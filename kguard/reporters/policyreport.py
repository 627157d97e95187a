# SPDX-License-Identifier: Apache-2.0
"""What does a report look like as PolicyReports, which most clusters know?"""

from __future__ import annotations

from kguard.model.findings import Report
from kguard.reporters.results import rendered
from kguard.reporters.settings import Settings


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as a List of PolicyReport and ClusterPolicyReport objects."""
    return rendered(report, "wgpolicyk8s.io/v1alpha2", "PolicyReport")
