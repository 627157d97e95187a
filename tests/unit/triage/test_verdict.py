# SPDX-License-Identifier: Apache-2.0
"""Does a scan end with the code that its findings, and those before, call for?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.triage.verdict import exit_code
from tests.unit.reporters.reports import finding, report


def ended(*states, known=(), complete=True, **options):
    found = [finding("network/a", f"web-{n}", state=state) for n, state in enumerate(states)]
    made = msgspec.structs.replace(report(*found), complete=complete)
    names = {found[index].fingerprint for index in known}
    options = {"fail_on": "high", "allow_incomplete": False, **options}
    return exit_code(made, known=names, **options)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((), 0),
        (("waived",), 0),
        (("open",), 1),
        (("baseline",), 1),
        (("unknown",), 3),
        (("open", "unknown"), 1),
    ],
)
def test_every_finding_counts(states, code):
    assert ended(*states) == code
    assert ended(*states, fail_on="critical") == 0


@pytest.mark.parametrize(
    ("states", "known", "code"),
    [
        (("open",), (0,), 0),
        (("baseline",), (), 0),
        (("open", "open"), (0,), 1),
        (("unknown",), (0,), 0),
        (("unknown", "unknown"), (0,), 3),
    ],
)
def test_only_what_is_new_counts(states, known, code):
    assert ended(*states, known=known, only_new=True) == code


def test_what_could_not_be_read_always_counts():
    assert ended("open", known=(0,), only_new=True, complete=False) == 3
    assert ended("open", known=(0,), only_new=True, complete=False, allow_incomplete=True) == 0
