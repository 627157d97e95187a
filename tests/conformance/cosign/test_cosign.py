# SPDX-License-Identifier: Apache-2.0
"""Do signatures get the class they deserve, and does cosign accept what we accept?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import listed, measure
from tests.conformance.cosign.vectors import FOLDER, SUITES

CASES = {"cosign classes": 254, "cosign accepts": 265}


@pytest.mark.parametrize("name", CASES)
def test_agrees(shared: Path, name: str) -> None:
    skips = listed(Path(__file__).parent).get(name, {})
    outcome = measure(name, SUITES[name](shared / "conformance" / FOLDER), skips)
    assert outcome.cases == CASES[name]
    assert outcome.broken == []
    assert outcome.healed == []
