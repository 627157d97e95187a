# SPDX-License-Identifier: Apache-2.0
"""Do we read globs, policies and pods as sigstore's policy-controller does?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.conformance.policy_controller.oracle import RECORDED, replayed


def test_agrees_on_every_recorded_answer() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED
    assert [name for name, recorded, ours in found if recorded != ours] == []
    verdicts = Counter(recorded.get("verdict") for _, recorded, _ in found)
    assert all(verdicts[word] > 50 for word in ("deny", "warn", "pass"))
    assert 50 < sum(recorded["refused"] for _, recorded, _ in found) < RECORDED / 2
