# SPDX-License-Identifier: Apache-2.0
"""With which code does a scan end?"""

from __future__ import annotations

from collections.abc import Collection

from kguard.model.findings import Report, severity_at_least


def exit_code(
    report: Report,
    *,
    fail_on: str,
    allow_incomplete: bool,
    only_new: bool = False,
    known: Collection[str] = (),
) -> int:
    """0 clean, 1 findings at or above the gate, 3 incomplete or undecided; 1 goes before 3.

    Findings of the baseline, and those whose fingerprints are known, count unless only new ones
    shall. What could not be read always counts.
    """
    reached = [f for f in report.findings if severity_at_least(f.severity, fail_on)]
    new = {f.state for f in reached if not (only_new and f.fingerprint in known)}
    if new & ({"open"} if only_new else {"open", "baseline"}):
        return 1
    undecided = "unknown" in new or not report.complete
    return 3 if undecided and not allow_incomplete else 0
