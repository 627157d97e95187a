# SPDX-License-Identifier: Apache-2.0
"""Does the YAML reader agree with kubectl's own packages on files that nobody has written?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.generators.manifest_bytes import files
from tests.conformance.kubectl_yaml.oracle import FILES_PER_SEED, KNOWN, ask, points

SEEDS = (11, 12, 13, 14, 15)


@pytest.mark.testbed("kubectl_yaml")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fast", [True, False], ids=["fast", "exact"])
def test_agrees_with_kubectl(testbed: Callable[[str], Path], seed: int, fast: bool) -> None:
    found = list(points(testbed("kubectl_yaml"), seed, fast=fast))
    assert len(found) == FILES_PER_SEED
    wrong = [digest for digest, recorded, ours in found if recorded != ours]
    assert wrong == [digest for digest in KNOWN if KNOWN[digest][0] == seed]


@pytest.mark.testbed("kubectl_yaml")
def test_many_of_the_files_are_accepted(testbed: Callable[[str], Path]) -> None:
    answers = ask(testbed("kubectl_yaml"), list(files(SEEDS[0], FILES_PER_SEED)))
    assert sum(answer["error"] is None for answer in answers) > FILES_PER_SEED // 6
