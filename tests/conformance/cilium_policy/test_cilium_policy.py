# SPDX-License-Identifier: Apache-2.0
"""Do we decide about connections as Cilium's own policy engine does?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.cilium_policy.oracle import ASKED, RECORDED, replayed


def test_agrees_on_every_recorded_connection() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED * (ASKED + 1)
    assert [name for name, recorded, ours in found if recorded != ours] == []
    refused = [flag for _, recorded, _ in found[:: ASKED + 1] for flag in recorded]
    assert any(refused)
