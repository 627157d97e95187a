# SPDX-License-Identifier: Apache-2.0
"""Is an engine asked once for the same, and anew for anything else?"""

from __future__ import annotations

import pytest

from kguard.engine import catalog, remembering
from kguard.engine.base import Batch, Failure
from kguard.engine.remembering import RememberingEngine

POLICIES = catalog.bundled()[:2]


class Counting:
    """An engine that counts what it is asked; `broken` makes it fail."""

    def __init__(self, log):
        self.log, self.broken = log, False
        self.asked, self.left_out = [], set()

    def load(self, policies, libraries):
        self.log.append("load")
        return []

    def evaluate(self, batch):
        self.log.append(batch.input)
        self.asked.append(tuple(policy.id for policy in batch.policies))
        for policy in batch.policies:
            if policy.id in self.left_out:
                continue
            yield policy, Failure(policy.id, "no") if self.broken else {"q": batch.input}

    def close(self):
        self.log.append("close")


@pytest.fixture
def engine():
    log, made = [], []

    def start():
        made.append(Counting(log))
        return made[-1]

    found = RememberingEngine(start)
    found.log, found.made = log, made
    found.load(POLICIES, {})
    log.clear()
    return found


def batch(text, policies=POLICIES):
    return Batch("network", text, tuple(policies))


def test_the_same_document_is_judged_once(engine):
    first = [*engine.evaluate(batch(b"[1]"))]
    assert [*engine.evaluate(batch(b"[1]"))] == first
    assert [*engine.evaluate(batch(b"[2]"))] != first
    assert len([*engine.evaluate(batch(b"[1]", POLICIES[:1]))]) == 1
    assert engine.log == [b"[1]", b"[2]"]


def test_only_the_policies_that_were_not_asked_are(engine):
    one, other = POLICIES
    [*engine.evaluate(batch(b"[1]", [one]))]
    found = [*engine.evaluate(batch(b"[1]", [one, other]))]
    assert [policy for policy, _ in found] == [one, other]
    assert engine.made[0].asked == [(one.id,), (other.id,)]


def test_a_policy_that_the_engine_leaves_out_is_left_out_again(engine):
    engine.made[0].left_out = {POLICIES[0].id}
    for _ in range(2):
        assert [policy for policy, _ in engine.evaluate(batch(b"[1]"))] == [POLICIES[1]]
    assert engine.log == [b"[1]"]


def test_a_failure_is_not_remembered(engine):
    engine.made[0].broken = True
    assert all(isinstance(a, Failure) for _, a in engine.evaluate(batch(b"[1]")))
    engine.made[0].broken = False
    assert not any(isinstance(a, Failure) for _, a in engine.evaluate(batch(b"[1]")))


def test_the_same_policies_are_loaded_once_and_others_forget(engine):
    [*engine.evaluate(batch(b"[1]"))]
    engine.load(POLICIES, {})
    [*engine.evaluate(batch(b"[1]"))]
    assert engine.log == [b"[1]"]
    engine.load(POLICIES, {"library": "package x"})
    [*engine.evaluate(batch(b"[1]"))]
    assert engine.log == [b"[1]", "close", "load", b"[1]"]


def test_it_is_started_anew_before_its_time_is_used_up(engine, monkeypatch):
    monkeypatch.setattr(remembering, "MAX_BUSY_SECONDS", -1.0)
    engine.load(POLICIES, {})
    assert engine.log == ["close", "load"]
    assert len(engine.made) == 2


def test_what_is_remembered_is_bounded():
    log = []
    engine = RememberingEngine(lambda: Counting(log), most=5000)
    engine.load(POLICIES, {})
    for number in range(50):
        [*engine.evaluate(batch(b"[%d]" % number))]
    log.clear()
    [*engine.evaluate(batch(b"[49]"))]
    [*engine.evaluate(batch(b"[0]"))]
    assert log == [b"[0]"]
