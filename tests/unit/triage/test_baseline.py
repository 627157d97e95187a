# SPDX-License-Identifier: Apache-2.0
"""What does an earlier report excuse?"""

from __future__ import annotations

import json

from kguard.triage import baseline
from tests.unit.reporters.reports import finding


def test_what_was_accepted_until_a_day_counts_after_it(tmp_path):
    report = tmp_path / "report.json"
    found = [{"fingerprint": name, "state": name} for name in ("open", "waived", "baseline")]
    report.write_text(json.dumps({"findings": found}))
    assert baseline.read(report) == {"open", "baseline"}


def test_only_open_findings_are_excused():
    states = ("open", "waived", "unknown")
    found = [finding("network/a", state, state=state) for state in states]
    marked = baseline.apply(found, frozenset(one.fingerprint for one in found))
    assert [one.state for one in marked] == ["baseline", "waived", "unknown"]
