# SPDX-License-Identifier: Apache-2.0
"""Which findings does a format show that cannot hold them all?

Every format but JSON and Prometheus has a limit, so that a scan with a million findings leaves
files that their readers can open. The worst findings stay, and each report says how many it
leaves out; JSON has them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.model.findings import SEVERITIES, Finding


def worst(findings: Sequence[Finding], limit: int) -> tuple[list[Finding], int]:
    """The findings of greatest severity, in the order of the report, and how many others there are.

    Of equal severity, the first stay.
    """
    if len(findings) <= limit:
        return list(findings), 0
    ranks = [SEVERITIES.index(finding.severity) for finding in findings]
    kept = sorted(range(len(findings)), key=lambda number: -ranks[number])[:limit]
    return [findings[number] for number in sorted(kept)], len(findings) - limit


def left_out(number: int) -> str:
    """The sentence about findings that are not shown."""
    return f"{number} findings of least severity are left out here; the JSON report has them all"
