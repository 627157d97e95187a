# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer say what istiod's own code says?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.istio.vectors import SUITES

SIZES = {
    "istio composition": 1063,
    "istio ambient composition": 1063,
    "istio ambient golden pairs": 19,
    "istio validation documents": 8,
    "istio random refused": 3000,
    "istio random enrolment": 1000,
    "istio webhook table": 5600,
    "istio default webhooks": 800,
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance" / "istio"))
    assert len(points) >= SIZES.get(name, 900)
    assert [identity for identity, recorded, ours in points if recorded != ours] == []
