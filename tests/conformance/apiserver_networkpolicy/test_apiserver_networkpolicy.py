# SPDX-License-Identifier: Apache-2.0
"""Do we refuse the NetworkPolicies that the API server refuses, and read the others alike?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.apiserver_networkpolicy.answers import NOT_OURS, cases


def test_agrees(shared: Path) -> None:
    found = list(cases(shared))
    assert len(found) == 47 - len(NOT_OURS)
    assert [identity for identity, recorded, ours in found if recorded != ours] == []
