# SPDX-License-Identifier: Apache-2.0
"""Does every case folder yield what it says, and does it hold what every scan promises?"""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
import yaml
from tests.cases.runner import (
    LoadedOnce,
    cases,
    expected,
    expected_remedy,
    fix,
    judge,
    line,
    read_inputs,
    summary,
    write_expected,
    write_remedy,
)

from kguard import reporters
from kguard.engine import catalog
from support import examples


@pytest.fixture(scope="module")
def engine():
    loaded = LoadedOnce()
    yield loaded
    loaded.close()


@pytest.fixture(params=cases(), ids=lambda case: case.id)
def case(request):
    return request.param


def _rows(judged):
    return [line(finding) for finding in judged.report.findings]


def test_the_shipped_policies_compile(engine):
    assert engine.failures == []


def test_findings(case, engine, request):
    judged = judge(case, read_inputs(case), engine)
    if request.config.getoption("--update-cases"):
        write_expected(case, judged)
    assert [str(entry) for entry in judged.report.incomplete if "policy" in entry.source] == []
    assert _rows(judged) == expected(case)["findings"]


def test_order_does_not_matter(case, engine):
    collected, backwards = read_inputs(case), read_inputs(case)
    backwards.manifests.reverse()
    backwards.documents.reverse()
    backwards.files.reverse()
    before, after = (judge(case, given, engine).report for given in (collected, backwards))
    assert msgspec.json.encode(before) == msgspec.json.encode(after)


def test_every_reporter_renders(case, engine):
    report = judge(case, read_inputs(case), engine).report
    for name in reporters.NAMES:
        first = reporters.render(name, report, reporters.Settings(color=False, width=100))
        again = reporters.render(name, report, reporters.Settings(color=False, width=100))
        assert first == again
        assert first.strip()
    rendered = msgspec.json.decode(reporters.render("json", report, reporters.Settings()))
    counted = Counter(entry["policy"] for entry in rendered["findings"])
    assert counted == Counter(finding.policy for finding in report.findings)


@pytest.mark.parametrize(
    "case", [c for c in cases() if (c.folder / "facts.yaml").exists()], ids=lambda case: case.id
)
def test_facts(case, engine):
    judged = judge(case, read_inputs(case), engine)
    actual = msgspec.to_builtins(judged.facts[case.layer])
    problems = list(_missing(yaml.safe_load((case.folder / "facts.yaml").read_text()), actual, ""))
    assert problems == []


def test_remedies_close_and_do_no_harm(case, engine, request):
    """What is promised for every remedy, and what remedy.yaml says of this one."""
    plan = fix(case, read_inputs(case), engine)
    if request.config.getoption("--update-cases"):
        write_remedy(case, plan)
    proof = plan.proof
    assert (proof.weakens, proof.cuts, proof.opens, proof.new_findings) == ((), (), (), ())
    assert proof.second_run_empty
    answered = {f for entry in (*proof.refused, *proof.cannot) for f in entry.findings}
    judged = judge(case, read_inputs(case), engine)
    open_ = (f for f in judged.report.findings if f.state == "open")
    with_remedy = {f.fingerprint for f in open_ if f.remedy}
    assert {f.fingerprint for f in proof.remaining} & with_remedy <= answered
    assert {k: v for k, v in summary(plan).items() if v} == expected_remedy(case)
    _examples_are_true(case, judged, plan, request)


def _examples_are_true(case, judged, plan, request):
    """What `kguard explain` shows of this case as an example is what the case yields."""
    known = examples.read()
    mine = [p for p in catalog.bundled() if p.id in known and known[p.id].case == case.id]
    found = {p.id: examples.taken(p, case.id, judged, plan if p.remedy else None) for p in mine}
    if mine and request.config.getoption("--update-cases"):
        examples.write({**known, **{name: one for name, one in found.items() if one}})
        return
    assert found == {policy.id: known[policy.id] for policy in mine}


def _missing(wanted, actual, place):
    """Every leaf of `wanted` that `actual` lacks; list entries are found by containment."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for key, value in wanted.items():
            yield from _missing(value, actual.get(key), f"{place}/{key}")
    elif isinstance(wanted, list) and isinstance(actual, list):
        for number, value in enumerate(wanted):
            if not any(not list(_missing(value, other, "")) for other in actual):
                yield f"{place}/{number}: {value} is not among {actual}"
    elif wanted != actual:
        yield f"{place}: {actual!r} instead of {wanted!r}"
