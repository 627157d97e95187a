# SPDX-License-Identifier: Apache-2.0
"""Does what does harm go from an override, and what does none stay?"""

from __future__ import annotations

import random

import pytest

from kguard.layers.runtime.facts.rulesets import load_texts
from kguard.layers.runtime.facts.texts import Text, file_ref
from kguard.layers.runtime.remedy.narrowing import narrowing
from kguard.layers.runtime.remedy.places import Setup
from kguard.layers.runtime.remedy.portions import left_out, portions
from kguard.layers.runtime.remedy.repair import offending_lines
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.loader import RulesFile, load
from kguard.layers.runtime.semantics.satisfiability import satisfiable
from kguard.layers.runtime.semantics.scenarios import SCENARIOS, noticed
from kguard.model.remedies import Operation
from kguard.sources.yaml.patch import patched
from kguard.sources.yaml.splice import splice

BASE = """\
- list: shells
  items: [bash, sh]
- macro: container
  condition: (container.id != host)
- macro: user_known_shells
  condition: (evt.num = 0)
- rule: shell
  desc: d
  condition: >
    evt.type = execve and container and proc.name in (shells) and proc.tty != 0
    and not user_known_shells
  output: o
  priority: NOTICE
"""


def conditions(item):
    """What is left of a condition with each of its portions alone."""
    every = portions(item)
    rest = [left_out(item, set(every) - {portion}) for portion in every]
    return [patched(item, found)["condition"] for found in rest if found is not None]


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("and a and b", ["and a", "and b"]),
        ("or a or b", ["or a", "or b"]),
        ("and not (a or b)", ["and not (a)", "and not (b)"]),
        ("and (a or b) and not x in (p, q)", ["and (a or b)", "and not x in (p, q)"]),
        ('and a = "x and y" and b', ['and a = "x and y"', "and b"]),
        ("and not (a and b)", ["and not (a and b)"]),
        ("and a or b", ["and a or b"]),
        ("and android = 1", ["and android = 1"]),
        ("and a and(b)", ["and a", "and (b)"]),
    ],
)
def test_what_a_text_appends(condition, parts):
    item = {"rule": "r", "condition": condition, "override": {"condition": "append"}}
    assert conditions(item) == parts


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("(a or b)", ["(a)", "(b)"]),
        ("a or (b and c)", ["a", "(b and c)"]),
        ("a and b", ["a and b"]),
    ],
)
def test_alternatives_of_a_macro(condition, parts):
    assert conditions({"macro": "m", "condition": condition}) == parts


def test_a_rule_that_is_defined_whole_has_no_portions():
    assert portions({"rule": "r", "condition": "a and b", "output": "o", "priority": "INFO"}) == []


def test_an_exception_without_rows_goes_with_its_head():
    item = {
        "rule": "r",
        "exceptions": [{"name": "a", "values": [["x"], ["y"]]}, {"name": "b", "values": ["z"]}],
        "override": {"exceptions": "append"},
    }
    first, second, third = portions(item)
    assert left_out(item, {first}) == [Operation("remove", "/exceptions/0/values/0")]
    assert left_out(item, {first, second}) == [Operation("remove", "/exceptions/0")]
    assert left_out(item, {third, first}) == [
        Operation("remove", "/exceptions/1"),
        Operation("remove", "/exceptions/0/values/0"),
    ]
    assert left_out(item, {first, second, third}) is None


def setup_of(local):
    texts = [
        Text(name, content, file_ref(name), name)
        for name, content in (("base.yaml", BASE), ("local.yaml", local))
    ]
    rules = load_texts(texts, (), EVERY_PLUGIN)
    assert rules.ruleset.successful, rules.ruleset.results[-1].errors
    return Setup(None, rules, file_ref("local.yaml"), "app"), texts[1]


SAFE = ("proc.pname = make", "container.image.repository = registry.example/build")
WIDE = ("k8s.ns.name = shop", "proc.name in (bash, sh)", "container.id != host", "user.uid = 0")


def conjuncts(rng):
    chosen = rng.sample([*SAFE, *WIDE], rng.randint(2, 4))
    return " ".join(f"and not {part}" for part in chosen), [p for p in chosen if p in SAFE]


def alternatives(rng):
    chosen = rng.sample([*SAFE, *WIDE], rng.randint(2, 4))
    return f"({' or '.join(chosen)})", [part for part in chosen if part in SAFE]


@pytest.mark.parametrize("seed", range(40))
def test_random_overrides_keep_all_that_does_no_harm(seed):
    rng = random.Random(seed)
    if rng.random() < 0.5:
        text, safe = conjuncts(rng)
        local = f"- rule: shell\n  condition: {text}\n  priority: DEBUG\n"
        local += "  override: {condition: append, priority: replace}\n"
    else:
        text, safe = alternatives(rng)
        local = f"- macro: user_known_shells\n  condition: {text}\n"
    setup, here = setup_of(local)
    harmful = any(part not in safe for part in [*WIDE] if part in text) or "DEBUG" in local
    found = narrowing(setup, here, [1], {"specific"})
    if not safe:
        assert found is None
        return
    if not harmful:
        return
    assert found is not None
    after = splice(local, found.operations)
    assert [part for part in (*SAFE, *WIDE) if part in after] == [p for p in SAFE if p in safe]
    assert "priority" not in after
    assert_nothing_is_lost(after)


def assert_nothing_is_lost(after):
    before = load([RulesFile("base.yaml", BASE)])
    now = load([RulesFile("base.yaml", BASE), RulesFile("local.yaml", after)])
    assert now.successful
    assert [result.warnings for result in now.results][-1] == []
    assert satisfiable(now.compiled.rules["shell"].condition).verdict == "live"
    for scenario in SCENARIOS:
        if noticed(before.compiled.rules["shell"], scenario):
            assert noticed(now.compiled.rules["shell"], scenario)


def test_items_that_silence_together_are_narrowed_each():
    local = (
        "- macro: container\n  condition: (container.id != host and evt.num = 0)\n"
        "- rule: shell\n  condition: and not proc.pname = make and evt.num = 0\n"
        "  override: {condition: append}\n"
    )
    setup, here = setup_of(local)
    lines = offending_lines(setup, here, frozenset())
    assert lines == [1, 3]
    found = narrowing(setup, here, lines, {"specific"})
    assert splice(local, found.operations) == (
        "- rule: shell\n  condition: and not proc.pname = make\n  override: {condition: append}\n"
    )
    assert found.narrowed == (3,)
