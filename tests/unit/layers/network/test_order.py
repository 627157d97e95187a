# SPDX-License-Identifier: Apache-2.0
"""Does a comparison tell what a change cuts, opens, weakens and strengthens?"""

from __future__ import annotations

from kguard.layers.network.order import compare
from tests.unit.layers.network.inputs import deployment, facts_of, policy, service

_BASE = deployment("db", ", ports: [{containerPort: 5432}]") + service("db", 5432)
_BASE += deployment("app", ", env: [{name: DB_HOST, value: db}]")
_DENY = policy("deny", "{podSelector: {}}")
_CALLERS = "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: WHO}]}]}"
_APP = policy("app", _CALLERS.replace("WHO", "{matchLabels: {app: app}}"))
_ANY = policy("any", _CALLERS.replace("WHO", "{}"))


def _compare(before: str, after: str) -> tuple[int, int, int, int]:
    found = compare(facts_of(_BASE + before), facts_of(_BASE + after))
    return len(found.weaker), len(found.stronger), len(found.cut), len(found.opened)


def test_nothing_changes() -> None:
    assert _compare(_APP, _APP) == (0, 0, 0, 0)


def test_closing_cuts_intended_flows() -> None:
    assert _compare("", _DENY) == (0, 2, 1, 0)


def test_closing_all_but_the_caller_cuts_nothing() -> None:
    assert _compare("", _DENY + _APP) == (0, 2, 0, 0)


def test_removing_a_policy_weakens_and_opens() -> None:
    weaker, stronger, cut, opened = _compare(_DENY + _APP, "")
    assert (weaker, stronger, cut) == (2, 0, 0)
    assert opened > 0


def test_admitting_every_neighbour_opens() -> None:
    found = compare(facts_of(_BASE + _DENY + _APP), facts_of(_BASE + _DENY + _APP + _ANY))
    assert "every pod of namespace shop at every port" in str(found.opened)


def test_admitting_a_blocked_intended_flow_opens_nothing_that_is_not_meant() -> None:
    assert _compare(_DENY, _DENY + _APP) == (0, 0, 0, 0)


def test_a_smaller_block_is_no_opening() -> None:
    to = "to: [{ipBlock: {cidr: 0.0.0.0/0HOLES}}]"
    rule = f"{{podSelector: {{}}, egress: [{{{to}, ports: [{{port: 80}}]}}]}}"
    before = policy("p", rule.replace("HOLES", ""))
    after = policy("p", rule.replace("HOLES", ", except: [169.254.169.254/32]"))
    assert _compare(before, after)[3] == 0
    assert _compare(after, before)[3] > 0


_OPEN = policy("open", "{podSelector: {}, ingress: [{}]}")


def test_a_policy_that_admits_everything_is_worth_none() -> None:
    assert _compare("", _OPEN) == (0, 0, 0, 0)
    assert _compare(_OPEN, "") == (0, 0, 0, 0)


def test_the_widest_opening_is_said_and_none_within_it() -> None:
    found = compare(facts_of(_BASE + _DENY + _APP), facts_of(_BASE + _DENY + _APP + _OPEN))
    assert {change.text for change in found.opened} == {
        "any pod of the cluster reaches every port",
        "the internet reaches every port",
    }
