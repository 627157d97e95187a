# SPDX-License-Identifier: Apache-2.0
"""Does `kguard network list` print the rows of np-guard's netpol-analyzer?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.netpol_analyzer.answers import SUITES, random_cases, skips

SIZES = {
    "goldens": 96,
    "random": 400,
    "golden-diffs": 4,
    "random-diffs": 60,
    "golden-exposure": 37,
    "random-exposure": 400,
    "golden-explanations": 21,
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees_apart_from_the_listed_cases(shared: Path, name: str) -> None:
    cases = list(SUITES[name](shared))
    assert len(cases) == SIZES[name]
    disagreeing = {identity for identity, recorded, ours in cases if recorded != ours}
    assert disagreeing == set(skips(name))


def test_every_quirk_free_case_is_held(shared: Path) -> None:
    plain = {case["id"] for case in random_cases(shared) if not case["quirks"] and not case["exit"]}
    assert len(plain) == 281
    assert plain & set(skips("random")) == set()
