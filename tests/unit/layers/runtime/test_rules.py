# SPDX-License-Identifier: Apache-2.0
"""Do kguard's own rules load cleanly, see every attack of the baseline, and nothing ordinary?"""

from __future__ import annotations

import pytest

from kguard import data
from kguard.layers.runtime.semantics.evaluation import holds
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.losses import verdicts
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.scenarios import SCENARIOS

CONTAINER = {"container.id": "3ad7b26ded6d", "evt.num": "1", "proc.tty": "0"}
STARTED = {**CONTAINER, "evt.type": "execve", "proc.is_exe_upper_layer": "false"}


@pytest.fixture(scope="module")
def shipped() -> Ruleset:
    text = (data.rules_dir() / "kguard_rules.yaml").read_text()
    return load([RulesFile("kguard_rules.yaml", text)])


def test_they_load_without_a_word(shipped):
    (result,) = shipped.results
    assert (result.errors, result.warnings) == ([], [])
    assert len(shipped.enabled()) >= 14
    assert all(shipped.enabled().values())


def test_each_can_match_and_can_be_extended(shipped):
    assert {answer.verdict for answer in verdicts(shipped).values()} == {"live"}
    for rule in shipped.compiled.rules.values():
        assert [exception.name for exception in rule.info.exceptions] == ["known_programs"]
        assert "kguard" in rule.info.tags


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_attacks_are_seen(shipped, scenario):
    fired = [
        rule for rule in shipped.compiled.rules.values() if holds(rule.condition, scenario.event)
    ]
    assert any(scenario.id in rule.info.tags for rule in fired)


@pytest.mark.parametrize(
    "event",
    [
        {**STARTED, "proc.name": "cat", "proc.cmdline": "cat /tmp/healthy", "container.name": "a"},
        {**STARTED, "proc.name": "queue", "container.name": "queue-proxy"},
        {**STARTED, "proc.name": "envoy", "container.name": "istio-proxy"},
        {**STARTED, "proc.name": "sh", "proc.cmdline": "sh -c ./probe", "container.name": "a"},
        {**CONTAINER, "evt.type": "connect", "fd.typechar": "4", "fd.sip": "10.0.0.9"},
    ],
)
def test_ordinary_events_are_not(shipped, event):
    fired = [n for n, r in shipped.compiled.rules.items() if holds(r.condition, event)]
    assert fired == []


def test_an_exception_that_is_appended_silences_one_program(shipped):
    local = (
        "- rule: kguard shell in container\n"
        "  exceptions:\n"
        "  - name: known_programs\n"
        "    values:\n"
        "    - [registry.example/web, bash]\n"
        "  override: {exceptions: append}\n"
    )
    text = (data.rules_dir() / "kguard_rules.yaml").read_text()
    changed = load([RulesFile("a", text), RulesFile("b", local)])
    rule = changed.compiled.rules["kguard shell in container"]
    assert holds(rule.condition, SCENARIOS[0].event) is False
    assert holds(rule.condition, {**SCENARIOS[0].event, "container.image.repository": "x"}) is True


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("a.b = 1", False),
        ("not a.b = 1", True),
        ("a.b != 1", False),
        ("a.b exists", False),
        ("proc.name exists", True),
        ("proc.name != cat", True),
        ("proc.aname = init", True),
        ("fd.snet = 10.0.0.0/8", True),
        ("fd.sip in (10.1.0.0/16, 10.0.0.1)", True),
        ("fd.name pmatch (/etc, /var)", True),
        ("fd.name regex /etc/.*", True),
        ("tolower(proc.name) = bash", True),
        ("proc.name = val(proc.pname)", False),
        ("b64(proc.name) = x", None),
        ("b64(proc.name) = x or proc.name = Bash", True),
        ("b64(proc.name) = x and proc.name = no", False),
    ],
)
def test_evaluation(condition, answer):
    event = {
        "proc.name": "Bash",
        "proc.pname": "sh",
        "proc.aname": ("sh", "init"),
        "fd.sip": "10.0.0.1",
        "fd.name": "/etc/shadow",
    }
    assert holds(parse(condition), event) is answer
