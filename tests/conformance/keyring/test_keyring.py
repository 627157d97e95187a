# SPDX-License-Identifier: Apache-2.0
"""Do we try the logins that the kubelet tries?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.keyring.oracle import RECORDED, replayed


def test_agrees_on_every_recorded_image() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED
    assert [name for name, recorded, ours in found if recorded != ours] == []
    assert any(recorded is None for _, recorded, _ in found)
    assert any(recorded == [] for _, recorded, _ in found)
    assert any(recorded and len(recorded) > 1 for _, recorded, _ in found)
