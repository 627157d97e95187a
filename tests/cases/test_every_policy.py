# SPDX-License-Identifier: Apache-2.0
"""Does some case folder show each policy denying, holding back and, where it can, undecided?"""

from __future__ import annotations

from collections import defaultdict

import pytest
from tests.cases.runner import cases, expected

from kguard.engine import catalog

TOO_LARGE = {
    "audit/credentials-unrecorded",
    "audit/failed-logins-unrecorded",
    "audit/sessions-unrecorded",
    "audit/writes-unrecorded",
    "cross/audit-rule-starved",
}
"""Undecided only for audit policies whose regions fall into more than 20,000 boxes: their
`_test.rego` stands for a folder."""


@pytest.fixture(scope="module")
def states():
    """For each policy and state the cases that show it."""
    found = defaultdict(set)
    for case in cases():
        for row in expected(case)["findings"]:
            found[row["policy"], row.get("state", "open")].add(case.id)
    return found


@pytest.fixture(params=catalog.bundled(), ids=lambda policy: policy.id)
def policy(request):
    return request.param


def test_some_case_is_denied(policy, states):
    assert states[policy.id, "open"]


def test_some_case_of_the_layer_is_allowed(policy, states):
    mine = {case.id for case in cases() if case.layer == policy.layer}
    assert mine - states[policy.id, "open"]


def test_some_case_is_undecided(policy, states):
    if policy.has_unknown and policy.id not in TOO_LARGE:
        assert states[policy.id, "unknown"]
