# SPDX-License-Identifier: Apache-2.0
"""Which rules does an earlier one hide, and in which order are rules asked?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics import shadowing
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, Selection, load
from kguard.layers.runtime.semantics.shadowing import shadows


def ruleset(*conditions: str, more: str = "") -> Ruleset:
    rules = "".join(
        f"- rule: r{n}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n{more}"
        for n, condition in enumerate(conditions)
    )
    found = load([RulesFile("rules.yaml", rules)])
    assert found.successful, found.results[0].errors
    return found


def hidden(*conditions: str) -> dict[str, str]:
    found = ruleset(*conditions)
    return shadows(found.compiled.rules, found.order()).by


ANY = "evt.type in (execve, execveat)"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((ANY, "evt.type=execve and proc.name=x"), {"r1": "r0"}),
        (("evt.type=execve and proc.name=x", ANY), {}),
        (("evt.type=execve", f"{ANY} and proc.name=x"), {}),
        ((f"{ANY} and proc.name in (a, b)", f"{ANY} and proc.name=a"), {"r1": "r0"}),
        ((f"{ANY} and proc.name in (a, b)", f"{ANY} and proc.name in (b, c)"), {}),
        ((f"{ANY} and not proc.name=q", f"{ANY} and proc.name=a"), {"r1": "r0"}),
        ((f"{ANY} and container.id=host", f"{ANY} and container.id != host"), {}),
        (("fd.name startswith /etc", "fd.name startswith /etc/x"), {"r1": "r0"}),
        (("proc.name=x", "evt.type=execve and proc.name=x"), {}),
        ((ANY, f"{ANY} and evt.num=0"), {}),
        ((ANY, f"{ANY} and fd.num=1", f"{ANY} and fd.num=2"), {"r1": "r0", "r2": "r0"}),
    ],
)  # fmt: skip
def test_shadows(conditions, expected):
    assert hidden(*conditions) == expected


def test_rules_that_the_selection_switches_on_come_last():
    found = ruleset(ANY, "evt.type=execve", more="  tags: [t]\n")
    off = Selection("disable", "rule", "r0")
    on = Selection("enable", "rule", "r0")
    assert found.order() == ["r0", "r1"]
    assert found.order([off, on]) == ["r1", "r0"]
    assert found.order([on]) == ["r0", "r1"]
    assert shadows(found.compiled.rules, found.order([off, on])).by == {}


def test_sources_do_not_hide_one_another():
    text = (
        "- rule: audit\n  desc: d\n  condition: evt.num > 0\n  output: o\n  priority: INFO\n"
        "  source: k8s_audit\n"
        "- rule: shell\n  desc: d\n  condition: evt.num > 0 and proc.name=x\n  output: o\n"
        "  priority: INFO\n"
    )
    found = load([RulesFile("rules.yaml", text)])
    assert shadows(found.compiled.rules, found.order()).by == {}


def test_many_pairs_are_not_compared(monkeypatch):
    monkeypatch.setattr(shadowing, "MAX_PAIRS", 5)
    found = ruleset(*(f"{ANY} and proc.name=p{n}" for n in range(6)))
    assert shadows(found.compiled.rules, found.order()).is_complete is False
