# SPDX-License-Identifier: Apache-2.0
"""Does the text of a diff fit a screen, whatever a change does?"""

from __future__ import annotations

from kguard.cli.diff import _text
from kguard.model.layer import Change, Comparison
from kguard.triage.diff import Difference
from tests.unit.reporters.reports import finding


def text(weaker=(), new=()):
    return _text(Difference(Comparison(weaker=tuple(weaker)), tuple(new), (), 3)).splitlines()


def test_targets_that_change_alike_share_a_line():
    changes = [Change(f"Deployment shop/{name}", "is open") for name in "abcde"]
    assert text(changes) == [
        "weaker    Deployment shop/a, Deployment shop/b, Deployment shop/c and 2 more: is open",
        "0 new, 0 fixed, 3 unchanged",
    ]


def test_a_huge_change_is_bounded_and_says_so():
    changes = [Change("Deployment shop/a", f"opens {number}") for number in range(500)]
    lines = text(changes, [finding("network/a", f"app-{number}") for number in range(500)])
    assert len(lines) == 43
    assert lines[20] == "weaker    and 480 more: -o json has them all"
    assert lines[-2] == "new       and 480 more: -o json has them all"


def test_nothing_is_one_line():
    assert _text(Difference(Comparison(), (), (), 9)) == "kguard: no effect on the five layers\n"
