# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer pass what Linkerd's own tests expect of its inbound policy?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import measure
from tests.conformance.linkerd.vectors import SUITES, UPSTREAM, table

SIZES = {
    "linkerd upstream index": 42,
    "linkerd upstream API": 10,
    "linkerd upstream calls": 17,
    "linkerd upstream admission": 27,
    "linkerd upstream injection": 12,
    "linkerd upstream ports": 8,
    "linkerd upstream selectors": 8,
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(name: str) -> None:
    outcome = measure(name, SUITES[name](Path()), {})
    assert outcome.cases == SIZES[name]
    assert outcome.broken == []


@pytest.mark.parametrize("path", sorted(UPSTREAM.glob("*.json")), ids=lambda path: path.stem)
def test_every_table_names_its_origin(path: Path) -> None:
    assert set(table(path.stem)["source"]) == {"module", "version", "file", "licence"}
