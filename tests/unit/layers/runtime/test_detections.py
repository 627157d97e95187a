# SPDX-License-Identifier: Apache-2.0
"""Which attacks does a ruleset notice, by which rule, and what took that rule away?"""

from __future__ import annotations

from kguard.layers.runtime.facts.detections import Detections, scenarios
from kguard.layers.runtime.facts.rulesets import Rules, load_texts
from kguard.layers.runtime.facts.texts import Text, file_ref
from kguard.layers.runtime.order import compare
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.scenarios import SCENARIOS
from kguard.layers.runtime.semantics.syscalls import EVERY_SYSCALL, Syscalls
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence

BASE = """\
- macro: container
  condition: (container.id != host)
- rule: Shell
  desc: d
  condition: evt.type=execve and container and proc.name=bash and proc.tty != 0
  output: o
  priority: NOTICE
  tags: [shell]
- rule: Odd
  desc: d
  condition: evt.type=execve and proc.exepath regex '(a+)+'
  output: o
  priority: DEBUG
"""
OWNER = file_ref("falco.yaml")
CONFIG = Text("falco.yaml", "priority: error\nrules:\n- disable: {tag: shell}\n", OWNER, "c")


def rules(local: str = "", missing=(), syscalls: Syscalls = EVERY_SYSCALL) -> Rules:
    texts = [Text("base.yaml", BASE, OWNER, "b"), Text("local.yaml", local, OWNER, "l")]
    return load_texts(texts, missing, EVERY_PLUGIN, syscalls)


def found(loaded: Rules, selections=(), minimum=7):
    judged = Detections(loaded, OWNER, selections, minimum, CONFIG)
    return {one.id: one for one in judged.all(SCENARIOS)}


def test_the_first_rule_in_force_is_named():
    one = found(rules())["D1"]
    assert (one.state, one.rule, one.priority, one.because) == ("fires", "Shell", "Notice", [])


def test_an_override_that_switches_it_off_is_named():
    off = "- rule: {}\n  enabled: false\n  override: {{enabled: replace}}\n"
    one = found(rules(off.format("Shell") + off.format("Odd")))["D1"]
    assert (one.state, one.rule) == ("hidden", "Shell")
    assert [(step.ref, step.line, step.note) for step in one.because] == [
        ("l", 1, "switches off the rule Shell, which saw this")
    ]


def test_a_rule_that_may_notice_leaves_it_open():
    narrow = "- macro: container\n  condition: (container.name = shop)\n"
    one = found(rules(narrow))["D1"]
    assert (one.state, one.rule, one.because) == ("unknown", "Odd", [])


def test_a_change_is_named_where_no_rule_may_notice():
    off = "- rule: Odd\n  enabled: false\n  override: {enabled: replace}\n"
    narrow = "- macro: container\n  condition: (container.name = shop)\n"
    one = found(rules(off + narrow))["D1"]
    assert (one.state, one.rule) == ("silent", "")
    assert [(s.ref, s.line, s.note) for s in one.because] == [
        ("l", 4, "redefines the macro container: Shell saw this")
    ]


def test_changes_that_take_it_away_together_are_all_named():
    off = "- rule: Odd\n  enabled: false\n  override: {enabled: replace}\n"
    never = "- macro: container\n  condition: (evt.num = 0)\n"
    append = "- rule: Shell\n  condition: and evt.num = 0\n  override: {condition: append}\n"
    one = found(rules(off + never + append))["D1"]
    assert (one.state, sorted(step.line for step in one.because)) == ("silent", [4, 6])


def test_a_selection_and_a_priority_are_named():
    tag = Selection("disable", "tag", "shell")
    off = Selection("disable", "rule", "Odd")
    one = found(rules(), (tag, off))["D1"]
    assert (one.state, one.rule) == ("hidden", "Shell")
    assert [(s.ref, s.line) for s in one.because] == [("c", 3)]
    one = found(rules(), (off,), minimum=3)["D1"]
    assert [(one.state, s.ref, s.line) for s in one.because] == [("hidden", "c", 1)]


def test_rules_that_are_not_in_the_input_leave_it_open():
    missing = [Evidence("c", "", "elsewhere")]
    assert {one.state for one in found(rules(missing=missing)).values()} == {"unknown"}


def test_an_event_that_falco_does_not_ask_for_is_not_noticed():
    off = "- rule: Odd\n  enabled: false\n  override: {enabled: replace}\n"
    deaf = rules(off, syscalls=Syscalls(removed=frozenset({"execve"})))
    assert found(deaf)["D1"].state == "silent"


def test_the_user_adds_scenarios():
    event = {"evt.type": "ptrace", "proc.name": "gdb", "proc.aname": ["sh", "init"]}
    mine = {"id": "debugger", "event": event, "title": "a debugger"}
    added = scenarios({"scenarios": [mine, {"id": "bare", "event": {}, "source": "k8s_audit"}]})
    debugger, bare = added[-2:]
    assert (debugger.id, debugger.title, debugger.asked) == ("debugger", "a debugger", True)
    assert debugger.event["proc.aname"] == ("sh", "init")
    assert (bare.title, bare.source) == ("bare", "k8s_audit")
    text = BASE.replace("evt.type=execve and container and proc.name=bash", "evt.type=ptrace")
    loaded = load_texts(
        [Text("b", text.replace("proc.tty != 0", "proc.aname=init"), OWNER, "b")], (), EVERY_PLUGIN
    )
    judged = Detections(loaded, OWNER, (), 7, None).all([debugger, bare])
    assert [(one.id, one.state, one.asked) for one in judged] == [
        ("debugger", "fires", True),
        ("bare", "silent", True),
    ]


LOUD = """\
- rule: Any process
  desc: d
  condition: evt.type=execve and container
  output: o
  priority: DEBUG
"""


def test_ordinary_life_is_told_and_new_noise_makes_a_remedy_weaker():
    def facts(local: str) -> model.Facts:
        judged = Detections(rules(local), OWNER, (), 7, None)
        there = [model.Rule(OWNER, name, "Debug", True, "live") for name in judged.order]
        ordinary = list(judged.ordinary())
        return model.Facts("app", "present", OWNER, rules=there, ordinary=ordinary)

    quiet, loud = facts(""), facts(LOUD)
    assert quiet.ordinary == []
    assert [(one.id, one.rule) for one in loud.ordinary] == [
        ("probe", "Any process"),
        ("istio-proxy", "Any process"),
    ]
    assert len(compare(quiet, loud).weaker) == 2
    assert compare(loud, loud).weaker == ()
