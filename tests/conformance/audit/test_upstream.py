# SPDX-License-Identifier: Apache-2.0
"""Does the audit layer pass what the API server's own tests expect?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.audit.tables import SUITES, UPSTREAM, table

SIZES = {
    "audit upstream checker": 104 + 7 + 4,
    "audit upstream validation": 22,
    "audit upstream reader": 5,
    "audit upstream request info": 49 + 12,
    "audit upstream stages": 20,
    "audit upstream GCE policy": 618,
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(name: str) -> None:
    points = list(SUITES[name](Path()))
    assert len(points) == SIZES[name]
    assert [point for point in points if point[1] != point[2]] == []


@pytest.mark.parametrize("path", sorted(UPSTREAM.glob("*.json")), ids=lambda path: path.stem)
def test_every_table_names_its_origin(path: Path) -> None:
    assert set(table(path.stem)["source"]) == {"module", "version", "file", "licence"}
