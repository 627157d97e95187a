# SPDX-License-Identifier: Apache-2.0
"""Do the remedies close what they say, and leave the rest of every file as it was?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.remedy.editing import (
    NotEditableError,
    set_value,
    without_items,
    without_step,
)
from kguard.remediation.plan import Wishes, make
from tests.cases.runner import CASES, Case, LoadedOnce, judge, read_inputs


@pytest.fixture(scope="module")
def engine():
    loaded = LoadedOnce()
    yield loaded
    loaded.close()


def fixed(name, engine):
    case = Case(CASES / "runtime" / name)

    def scan(collected):
        return judge(case, collected, engine, ("runtime",))

    return make(scan(read_inputs(case)), scan, Wishes())


def text_of(plan, name):
    (text,) = [t for (file, _), t in plan.applied.texts.items() if file.endswith(name)]
    return text


def left(plan) -> set[str]:
    return {finding.policy for finding in plan.after.report.findings if finding.state == "open"}


@pytest.mark.parametrize(
    ("name", "remaining"),
    [
        ("nodes-missed", {"runtime/workload-out-of-sight"}),
        ("silenced", {"runtime/dead-rule"}),
        ("operator", set()),
        ("operator-without-rules", set()),
        ("unheard", {"runtime/alerts-reach-nobody"}),
        ("receiver", set()),
        ("ignored", {"runtime/rule-ignored"}),
        ("plain-files", set()),
    ],
)
def test_what_remains(name, remaining, engine):
    plan = fixed(name, engine)
    assert left(plan) == remaining
    assert plan.proof.second_run_empty
    assert plan.proof.refused == ()


def test_one_text_with_all_changes(engine):
    plan = fixed("receiver", engine)
    (text,) = [t for t in plan.applied.texts.values() if "# What Falco reads" in t]
    assert "json_output: true   # the log is for people\n" in text
    assert "url: http://falcosidekick:2801\n" in text
    assert "priority: notice\n" in text
    assert "Token*" not in text
    assert "tag: nothing" in text


def test_only_the_offending_items_go(engine):
    plan = fixed("silenced", engine)
    (text,) = [t for t in plan.applied.texts.values() if "10-base.yaml" in t]
    assert "evt.num=0" not in text
    assert "# quiet at night" in text
    assert "- list: nothing" in text


def test_tolerations_name_the_taint(engine):
    plan = fixed("nodes-missed", engine)
    (text,) = [t for t in plan.applied.texts.values() if "kind: DaemonSet" in t]
    assert "- key: accelerator\n" in text


def test_a_value_is_set_where_it_stands():
    assert set_value("a:\n  b: no # why\nc: 1\n", ("a", "b"), "yes") == "a:\n  b: yes # why\nc: 1\n"
    assert set_value("a:\n  b: no\n", ("a", "x"), "1") == "a:\n  x: 1\n  b: no\n"
    assert set_value("a: 1", ("x", "y"), "2") == "a: 1\nx:\n  y: 2\n"


@pytest.mark.parametrize("text", ["a: {b: 1}\n", "a: 5\n", 'a:\n  x: "1"\n'])
def test_what_cannot_be_set_line_by_line(text):
    with pytest.raises(NotEditableError):
        set_value(text, ("a", "x"), "2")


def test_items_are_taken_out_with_their_lines():
    text = "- macro: a\n  condition: b\n\n# about c\n- macro: c\n  condition: d\n"
    assert without_items(text, [1]) == "\n# about c\n- macro: c\n  condition: d\n"
    assert without_items(text, [5]) == "- macro: a\n  condition: b\n\n# about c\n"
    with pytest.raises(NotEditableError):
        without_items("[{macro: a, condition: b}]", [1])


def test_a_step_is_taken_out():
    text = "rules:\n- disable:\n    rule: x\n- enable:\n    tag: y\nz: 1\n"
    assert without_step(text, ("rules",), 0) == "rules:\n- enable:\n    tag: y\nz: 1\n"
    assert (
        without_step("rules:\n- disable: {rule: x}\nz: 1\n", ("rules",), 0) == "rules: []\nz: 1\n"
    )


def test_only_rules_that_say_something_are_switched_on(engine):
    plan = fixed("switched-on", engine)
    text = text_of(plan, "falco.yaml")
    assert '- rule: "Container drift"\n      enabled: true\n' in text
    assert text.count("enabled: replace") == 1


def test_the_selection_grows_where_there_is_no_folder(engine):
    plan = fixed("switched-on-file", engine)
    text = text_of(plan, "falco.yaml")
    assert "# the team wants no shells\n- disable:\n    rule: Nothing of this name\n" in text
    assert "enable:" in text.partition("Nothing of this name")[2]


def test_a_rule_that_drowns_others_is_not_switched_on(engine):
    plan = fixed("switched-on-values", engine)
    (refused,) = plan.proof.refused
    assert "Every new process in a container" in refused.reason
    assert refused.counterexample.endswith("a readiness probe that runs a program of the image")
    text = text_of(plan, "values.yaml")
    assert "  99-kguard_rules.yaml: |\n" in text
    assert "  99-kguard_switched_on.yaml: |\n" in text
    assert left(plan) == {"runtime/rule-shadowed"}
