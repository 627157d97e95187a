# SPDX-License-Identifier: Apache-2.0
"""Is nothing lost or told twice when an engine judges beside other work?"""

from __future__ import annotations

import json

import pytest

from kguard.engine.base import Batch, Failure
from kguard.engine.judging import AtOnce, Judging
from kguard.errors import EngineError
from tests.unit.engine.policies import policy

POLICIES = tuple(policy(f"p{n}", "") for n in range(40))


@pytest.fixture(params=[False, True], ids=["beside", "at once"])
def worker(request):
    return AtOnce() if request.param else None


class _Engine:
    """Answers each policy with one finding, and fails where the policy is named."""

    def __init__(self, failing=(), broken=False):
        self.failing, self.broken = failing, broken

    def load(self, policies, libraries):
        if self.broken:
            raise EngineError("the engine does not work here")
        return [Failure("network/never", "cannot be compiled")]

    def evaluate(self, batch):
        for each in batch.policies:
            if each.id in self.failing:
                yield each, Failure(each.id, "gave up")
                continue
            found = {"target": {"kind": "Pod", "name": batch.name}, "message": each.id}
            yield each, {f"data.{each.package}.deny": json.dumps([found]).encode()}

    def close(self):
        pass


def test_every_finding_and_failure_is_told_once(worker):
    with Judging(_Engine(failing={"network/p3"}), POLICIES, {}, worker) as judging:
        for name in ("one", "two"):
            judging.submit(Batch(name, b"{}", POLICIES))
        told = [(raw.policy, raw.target.name) for part in judging.findings() for raw in part]
    expected = [(p.id, name) for name in ("one", "two") for p in POLICIES if p.id != "network/p3"]
    assert told == expected
    assert [f.policy for f in judging.failures] == ["network/never", "network/p3", "network/p3"]


def test_a_scan_without_batches_ends(worker):
    with Judging(_Engine(), (), {}, worker) as judging:
        assert list(judging.findings()) == []


def test_an_engine_that_does_not_work_is_told(worker):
    with Judging(_Engine(broken=True), POLICIES, {}, worker) as judging:
        judging.submit(Batch("one", b"{}", POLICIES))
        with pytest.raises(EngineError, match="does not work"):
            list(judging.findings())


def test_a_crash_of_the_engine_is_not_lost(worker):
    class Crashing(_Engine):
        def evaluate(self, batch):
            yield from super().evaluate(Batch(batch.name, batch.input, batch.policies[:2]))
            raise EngineError("the server does not answer")

    with Judging(Crashing(), POLICIES, {}, worker) as judging:
        judging.submit(Batch("one", b"{}", POLICIES))
        with pytest.raises(EngineError, match="does not answer"):
            list(judging.findings())
