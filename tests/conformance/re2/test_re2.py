# SPDX-License-Identifier: Apache-2.0
"""Do we refuse the regular expressions that Falco's engine refuses, in the same words?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.re2.vectors import expressions


def test_agrees_on_every_recorded_expression() -> None:
    found = list(expressions(Path()))
    assert [pattern for pattern, recorded, ours in found if recorded != ours] == []
    assert sum(not recorded for _, recorded, _ in found) == 250
    assert len(found) == 1200
