# SPDX-License-Identifier: Apache-2.0
"""Do we name images and match patterns as Kyverno does?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.kyverno_images.oracle import RECORDED, replayed


def test_agrees_on_every_recorded_answer() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED
    assert [name for name, recorded, ours in found if recorded != ours] == []
    assert sum("matched" in recorded for _, recorded, _ in found) > RECORDED / 15
    assert sum("unreadable" in recorded for _, recorded, _ in found) > RECORDED / 150
