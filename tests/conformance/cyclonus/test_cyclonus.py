# SPDX-License-Identifier: Apache-2.0
"""Do we expect the connectivity that the test cases of cyclonus expect?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.cyclonus.oracle import replayed, steps

CASES, UPSTREAM = 230, 13


def test_agrees_on_every_step() -> None:
    found = list(replayed(Path()))
    assert [name for name, recorded, ours in found if recorded != ours] == []


def test_every_case_is_there() -> None:
    found = steps()
    assert len({step["case"] for step in found}) == CASES
    assert len({s["case"] for s in found if "upstream-e2e" in s["tags"]}) == UPSTREAM
