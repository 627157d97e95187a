# SPDX-License-Identifier: Apache-2.0
"""Does the embedded engine survive hostile policies and name the one to blame?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kguard.engine.base import Batch, findings
from kguard.engine.embedded import EmbeddedEngine, process
from kguard.errors import EngineError, PolicyError
from tests.unit.engine.policies import evaluated, policy

GOOD = """package kguard.network.good
deny contains finding if {
	some workload in input.workloads
	finding := {"target": workload, "message": "open", "path": "", "evidence": []}
}
"""
DOCUMENT = json.dumps({"workloads": [{"kind": "Pod", "name": "web"}]}).encode()


@pytest.fixture
def engine():
    made = EmbeddedEngine(wall_seconds=5)
    yield made
    made.close()


def _run(engine, *policies):
    failures = engine.load(policies, {})
    answers, more = evaluated(engine, Batch("network", DOCUMENT, tuple(policies)))
    return answers, {f.policy: f.reason for f in (*failures, *more)}


def test_a_policy_yields_its_set(engine):
    good = policy("good", GOOD)
    answers, failed = _run(engine, good)
    assert failed == {}
    (found,) = findings(good, answers)
    assert (found.target.name, found.message, found.unknown) == ("web", "open", False)


def test_a_rego_error_is_one_sentence_with_its_place(engine):
    bad = policy("bad", "package kguard.network.bad\n\ndeny contains x if {\n\tx :=\n}\n")
    good = policy("good", GOOD)
    answers, failed = _run(engine, bad, good)
    assert list(failed) == ["network/bad"]
    assert failed["network/bad"].startswith("bad.rego:4:7: ")
    assert "\n" not in failed["network/bad"]
    assert len(json.loads(answers["data.kguard.network.good.deny"])) == 1


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        (
            "hang",
            "count([1 | some a in _many; some b in _many; a == b + 200000]) > 0",
            "the engine gave up",
        ),
        ("crash", "_loop(1)", "the engine gave up"),
        ("error", 'to_number("abc") > 0', "error.rego"),
    ],
)
def test_a_hostile_policy_is_named_and_the_others_stay(name, body, reason):
    engine = EmbeddedEngine(wall_seconds=1.5)
    try:
        text = (
            f"package kguard.network.{name}\n\n"
            "_many := numbers.range(1, 100000)\n\n_loop(x) if _pool(x)\n\n_pool(x) if _loop(x)\n\n"
            f'deny contains {{"target": {{"kind": "Pod"}}, "message": "m"}} if {{\n\t{body}\n}}\n'
        )
        before = policy("before", GOOD.replace("good", "before"))
        answers, failed = _run(engine, before, policy(name, text), policy("good", GOOD))
    finally:
        engine.close()
    assert list(failed) == [f"network/{name}"]
    assert reason in failed[f"network/{name}"]
    assert len(json.loads(answers["data.kguard.network.before.deny"])) == 1
    assert len(json.loads(answers["data.kguard.network.good.deny"])) == 1


def test_memory_is_limited(monkeypatch):
    monkeypatch.setattr("kguard.engine.embedded.process.MEMORY_BYTES", 512 << 20)
    engine = EmbeddedEngine(wall_seconds=30)
    try:
        text = (
            "package kguard.network.hog\n\n"
            'deny contains {"target": {"kind": "Pod"}, "message": "m"} if {\n'
            "\tcount([x | some a in numbers.range(1, 100000); x := numbers.range(1, 1000)]) > 0\n"
            "}\n"
        )
        answers, failed = _run(engine, policy("hog", text), policy("good", GOOD))
    finally:
        engine.close()
    assert list(failed) == ["network/hog"]
    assert len(json.loads(answers["data.kguard.network.good.deny"])) == 1


def test_deep_brackets_never_reach_the_parser(engine):
    deep = (
        "package kguard.network.deep\n\ndeny contains x if {\n\tx := "
        + "[" * 20
        + "]" * 20
        + "\n}\n"
    )
    _, failed = _run(engine, policy("deep", deep))
    assert "nested 21 deep" in failed["network/deep"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("package kguard.network.odd\n\nallow := true\n", "undefined"),
        ("package kguard.network.odd\n\ndeny := true\n", "not a set"),
    ],
)
def test_anything_but_a_set_is_an_error(engine, body, problem):
    answers, failed = _run(engine, policy("odd", body))
    assert answers == {}
    assert problem in failed["network/odd"] or "not a valid rule path" in failed["network/odd"]


def test_a_finding_of_the_wrong_shape_is_an_error(engine):
    text = 'package kguard.network.shape\n\ndeny contains {"targt": {}} if true\n'
    odd = policy("shape", text)
    answers, failed = _run(engine, odd)
    assert failed == {}
    with pytest.raises(PolicyError, match="wrong shape"):
        list(findings(odd, answers))


def test_an_engine_that_does_not_start_is_one_sentence(monkeypatch):
    monkeypatch.setattr(process.sys, "executable", "/bin/false")
    engine = EmbeddedEngine()
    try:
        with pytest.raises(EngineError, match="does not work here"):
            engine.load([policy("good", GOOD)], {})
    finally:
        engine.close()


def test_the_child_has_the_engine_from_where_its_parent_has_it():
    assert (Path(process._path()) / "regorus" / "__init__.py").is_file()
