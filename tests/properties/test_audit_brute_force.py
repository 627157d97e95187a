# SPDX-License-Identifier: Apache-2.0
"""Do the exact regions miss a hole that enumeration finds, and does every witness hold?"""

from __future__ import annotations

import pytest

from tests.conformance.audit.brute_force import CHUNKS, FAMILIES, POLICIES, points


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_hole_is_missed_and_every_witness_holds(chunk):
    found = list(points(chunk))
    assert len(found) == POLICIES // CHUNKS * len(FAMILIES)
    assert [point for point in found if point[1] != point[2]] == []
    assert sum(len(witnesses) for _, (witnesses, _), _ in found) > POLICIES // CHUNKS
