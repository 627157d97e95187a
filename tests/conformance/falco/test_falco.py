# SPDX-License-Identifier: Apache-2.0
"""Does the runtime layer load rules as Falco's own engine does?"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kguard.layers.runtime.semantics import settings
from kguard.layers.runtime.semantics.changes import Changes
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.environment import EVERY_PLUGIN
from kguard.layers.runtime.semantics.loader import RulesFile, load
from kguard.layers.runtime.semantics.scenarios import SCENARIOS, Scenario, noticed
from kguard.sources.yaml.untyped import Mapping
from tests.conformance.falco import sabotage
from tests.conformance.falco.vectors import SUITES, upstream
from tests.unit.layers.runtime.near_attacks import NEAR

SIZES = {"falco conditions": 525, "falco rules files": 121, "falco upstream rules": 600}
SIZES["falco spoiled rules"] = 19


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    points = list(SUITES[name](shared / "conformance"))
    assert len(points) >= SIZES[name]
    assert [identity for identity, recorded, ours in points if recorded != ours] == []


UPSTREAM_DEAD = {"Launch Disallowed Container", "Network Connection outside Local Subnet"}
"""Shipped so that nothing matches: a list that users must fill, a macro that they must narrow."""
SHELL = "Terminal shell in container"
EXCEPTION = f"""\
- rule: {SHELL}
  exceptions:
  - name: all
    fields: [container.id]
    comps: ["!="]
    values: [[host]]
  override: {{exceptions: append}}
"""


@pytest.fixture(scope="module")
def everything(shared: Path) -> list[RulesFile]:
    return upstream(shared / "conformance", "stable+incubating+sandbox")


def test_what_upstream_ships_dead(everything: list[RulesFile]) -> None:
    assert sabotage.dead(load(everything)) == UPSTREAM_DEAD


@pytest.mark.parametrize("row", sabotage.ROWS, ids=lambda row: row.id)
def test_all_rules_that_are_spoiled(everything: list[RulesFile], row: sabotage.Row) -> None:
    ruleset = load([*everything, RulesFile("local.yaml", row.content)])
    found = sabotage.dead(ruleset)
    assert ruleset.successful is row.ok
    assert len(found) >= row.dead_of_all
    if row.ok:
        files = [*everything, RulesFile("local.yaml", row.content)]
        blamed = Changes(files, EVERY_PLUGIN, ruleset).blamed(sorted(found - UPSTREAM_DEAD))
        assert blamed.keys() == found - UPSTREAM_DEAD
        assert {change.file for changes in blamed.values() for change in changes} <= {"local.yaml"}


def test_an_exception_that_absorbs_its_rule(everything: list[RulesFile]) -> None:
    ruleset = load([*everything, RulesFile("local.yaml", EXCEPTION)])
    assert [result.warnings for result in ruleset.results][-1] == []
    assert sabotage.dead(ruleset) == {*UPSTREAM_DEAD, SHELL}


def test_a_raised_priority_hides_rules(everything: list[RulesFile]) -> None:
    ruleset = load(everything)
    warning = PRIORITIES.index("Warning")
    hidden = [n for n, on in ruleset.enabled(minimum=warning).items() if not on]
    assert SHELL in hidden
    assert sum(ruleset.enabled(minimum=warning).values()) < sum(ruleset.enabled().values())


@pytest.mark.parametrize(
    ("config", "enabled"),
    [
        ("rules: []", 25),
        ("rules: [{disable: {rule: '*'}}]", 0),
        ("rules: [{disable: {tag: container}}]", 0),
        ("rules: [{disable: {rule: '*'}}, {enable: {tag: network}}]", 5),
        ("rules: [{enable: {tag: network}}, {disable: {rule: '*'}}]", 0),
        ("rules: [{disable: {rule: 'Terminal*'}}]", 24),
        ("rules: [{disable: {rule: 'terminal*'}}]", 25),
        ("rules: [{disable: {tag: Container}}]", 25),
        ("rules: [{disable: {tag: contain*}}]", 25),
    ],
)
def test_selection(shared: Path, config: str, enabled: int) -> None:
    chosen = settings.settings_of(settings.read(config) or Mapping())
    ruleset = load(upstream(shared / "conformance", "stable"))
    assert sum(ruleset.enabled(chosen.selections).values()) == enabled


@pytest.mark.parametrize(
    ("arguments", "enabled"),
    [
        (["-t", "network"], 5),
        (["-T", "network"], 20),
        (["-D", "shell"], 23),
        (["-D", SHELL], 24),
    ],
)
def test_selection_by_arguments(shared: Path, arguments: list[str], enabled: int) -> None:
    ruleset = load(upstream(shared / "conformance", "stable"))
    chosen = settings.from_arguments(arguments)
    assert sum(ruleset.enabled(chosen).values()) == enabled


NOTICED = {
    "D1": "Terminal shell in container",
    "D2": "Drop and execute new binary in container",
    "D3": "Fileless execution via memfd_create",
    "D4": "Detect release_agent File Container Escapes",
    "D4.debugfs": "Debugfs Launched in Privileged Container",
    "D4.nsenter": "Change thread namespace",
    "D4.mount": "Mount Launched in Privileged Container",
    "D5": "Read sensitive file untrusted",
    "D5.keys": "Search Private Keys or Passwords",
    "D5.cloud": "Find AWS Credentials",
    "D6": "Redirect STDOUT/STDIN to Network Connection in Container",
    "D6.netcat": "Netcat Remote Code Execution in Container",
    "D7": "Contact K8S API Server From Container",
    "D8": "Contact EC2 Instance Metadata Service From Container",
    "D9": "Launch Package Management Process in Container",
    "D9.copy": "Launch Remote File Copy Tools in Container",
    "D10": "Detect crypto miners using the Stratum protocol",
    "D11": "Clear Log Activities",
    "D11.history": "Delete or rename shell history",
    "D12": "Launch Privileged Container",
}
"""The rule of upstream's that is meant for each attack; there is none for the others."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_upstream_notices_attacks_and_not_what_looks_like_them(
    everything: list[RulesFile], scenario: Scenario
) -> None:
    rules = load(everything).compiled.rules
    rule = rules.get(NOTICED.get(scenario.id, ""))
    if rule is None:
        firing = {n for n, r in rules.items() if noticed(r, scenario)}
        assert firing <= {"Launch Sensitive Mount Container"}
        return
    assert noticed(rule, scenario) is True
    near = msgspec.structs.replace(scenario, event={**scenario.event, **NEAR[scenario.id]})
    assert noticed(rule, near) is False
