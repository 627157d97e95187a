# SPDX-License-Identifier: Apache-2.0
"""Is a name suggested only where a slip is likely?"""

from __future__ import annotations

import pytest

from kguard.errors import nearest, suggested

POLICIES = ("network/no-default-deny", "network/open-to-cluster", "mtls/port-not-strict")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("network/no-default-denny", "network/no-default-deny"),
        ("netwrok/no-default-deny", "network/no-default-deny"),
        ("no-default-deny", "network/no-default-deny"),
        ("network/opn-to-cluster", "network/open-to-cluster"),
        ("network/nothing", ""),
        ("network/", ""),
        ("mtls/open-to-cluster", ""),
        ("xx", ""),
        ("", ""),
    ],
)
def test_only_a_likely_slip_is_named(name, near):
    assert nearest(name, POLICIES) == near


def test_a_hint_says_otherwise_what_to_do():
    assert suggested("scna", ["scan", "schema"], "see --help") == "did you mean scan?"
    assert suggested("frob", ["scan", "schema"], "see --help") == "see --help"
