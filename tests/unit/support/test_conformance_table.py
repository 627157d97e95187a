# SPDX-License-Identifier: Apache-2.0
"""Does the table tell agreement, listed and new disagreement, and healed entries apart?"""

from __future__ import annotations

from support import conformance

POINTS = [("a", 1, 1), ("b", 1, 2), ("c", 1, 2), ("d", 1, 1)]


def test_listed_disagreements_are_counted_and_others_named():
    outcome = conformance.measure("suite", iter(POINTS), {"b": "reason"})
    assert outcome[1:6] == (4, 2, 1, ["c"], [])


def test_an_entry_that_agrees_by_now_is_named():
    outcome = conformance.measure("suite", iter(POINTS), {"a": "was wrong", "x": "not in here"})
    assert outcome.healed == ["a"]


def test_every_skip_list_names_suites_that_exist():
    assert all(suite.name for suite in conformance.suites())
