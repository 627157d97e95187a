# SPDX-License-Identifier: Apache-2.0
"""Do remedies keep their promises on random clusters that are not compliant?

`KGUARD_RANDOM_CLUSTERS` sets how many are tried; `make conformance-full` tries 500.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kguard.engine.embedded import EmbeddedEngine
from kguard.remediation.proof import Proof
from tests.properties.mesh_remedies import mended

COUNT = int(os.environ.get("KGUARD_RANDOM_CLUSTERS", "12"))


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


@pytest.mark.parametrize("number", range(COUNT))
def test_remedies_close_or_refuse_and_do_no_harm(number: int, engine: EmbeddedEngine) -> None:
    made = mended(number, engine)
    _does_no_harm(made.proof)
    assert made.unanswered() == []
    assert all(entry.counterexample for entry in made.proof.refused)
    worked, works = made.edges()
    assert worked - works == set()


def _does_no_harm(proof: Proof) -> None:
    assert (proof.weakens, proof.cuts, proof.opens, proof.new_findings) == ((), (), (), ())
    assert proof.second_run_empty
