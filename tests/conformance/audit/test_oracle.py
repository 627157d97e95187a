# SPDX-License-Identifier: Apache-2.0
"""Does the audit layer say what the API server's own code says of policies nobody has written?

The recorded slices come from ``support/oracles/apiserver`` (k8s.io/apiserver v0.36.3) and
``apiserver_1_35`` (v0.35.10) with the seed of ``oracle.RECORDED_SEED``; ``oracle.record`` writes
them again. What a server of 1.36.3 wrote about 2,400 requests is recorded by ``server.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.audit import server
from tests.conformance.audit.oracle import RECORDED, points, replayed


@pytest.mark.parametrize("minor", RECORDED)
def test_recorded_answers(minor: str) -> None:
    found = list(replayed(minor))
    assert [point for point in found if point[1] != point[2]] == []
    kinds = Counter(identity.split()[1] for identity, *_ in found)
    assert kinds["accepted"] == 250
    assert kinds["request"] > 500


def test_versions_differ() -> None:
    answers = [{i: r for i, r, _ in replayed(m) if i.endswith("accepted")} for m in RECORDED]
    assert sum(answers[0].values()) > sum(answers[1].values())


@pytest.mark.testbed("apiserver")
def test_fresh_answers(testbed: Callable[[str], Path]) -> None:
    found = list(points(testbed("apiserver"), 1, RECORDED["1.36"][1]))
    assert len(found) > 10_000
    assert [point for point in found if point[1] != point[2]] == []


def test_recorded_events() -> None:
    found = list(server.recorded(Path()))
    assert len(found) == len(server.POLICIES) * len(server.PEOPLE) * len(server.REQUESTS)
    assert [point for point in found if point[1] != point[2]] == []
    assert sum(len(written) for _, written, _ in found) > len(found)
