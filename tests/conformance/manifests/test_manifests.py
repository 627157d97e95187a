# SPDX-License-Identifier: Apache-2.0
"""Does the manifests family refuse what the API server refuses?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import listed, measure
from tests.conformance.manifests.vectors import FOLDER, SUITES

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    points = SUITES[name](shared / "conformance" / FOLDER)
    outcome = measure(name, points, listed(HERE).get(name, {}))
    assert outcome.cases == 47
    assert (outcome.broken, outcome.healed) == ([], [])
