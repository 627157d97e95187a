# SPDX-License-Identifier: Apache-2.0
"""Do we read selectors as Calico's own parser does?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.calico_selectors.oracle import RECORDED, replayed


def test_agrees_on_every_recorded_selector() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED
    assert [name for name, recorded, ours in found if recorded != ours] == []
    assert {type(recorded) for _, recorded, _ in found} == {list, str}
