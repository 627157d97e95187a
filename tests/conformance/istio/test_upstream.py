# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer pass what Istio's own unit tests expect?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import listed, measure
from tests.conformance.istio.tables import SUITES, UPSTREAM, table

SIZES = {
    "istio upstream composition": 14,
    "istio upstream inbound": 8,
    "istio upstream injection": 36,
    "istio upstream webhooks": 72,
    "istio upstream enablement": 9,
    "istio upstream rule selection": 16 + 4 + 2,
    "istio upstream client settings": 11,
    "istio upstream client sockets": 9,
    "istio upstream service mode": 8,
    "istio upstream endpoints": 16,
    "istio upstream reachability": 3 * (11 * 7 + 3 + 3 * 2),
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(name: str) -> None:
    skips = listed(Path(__file__).parent).get(name, {})
    outcome = measure(name, SUITES[name](Path()), skips)
    assert outcome.cases == SIZES[name]
    assert (outcome.broken, outcome.healed) == ([], [])


@pytest.mark.parametrize("path", sorted(UPSTREAM.glob("*.json")), ids=lambda path: path.stem)
def test_every_table_names_its_origin(path: Path) -> None:
    assert set(table(path.stem)["source"]) == {"module", "version", "file", "licence"}
