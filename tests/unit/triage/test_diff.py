# SPDX-License-Identifier: Apache-2.0
"""Which findings does a change bring, and which does it mend?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.inventory import build
from kguard.model.manifests import Collected
from kguard.triage.diff import Side, difference
from tests.unit.reporters import reports

OPEN = reports.finding("network/a", "web")
DOUBT = msgspec.structs.replace(OPEN, state="unknown", fingerprint="of the doubt")
WAIVED = msgspec.structs.replace(OPEN, state="waived")


def side(*findings):
    report = msgspec.structs.replace(reports.full(), findings=findings, facts={}, incomplete=())
    return Side(report, build(Collected()), {})


@pytest.mark.parametrize(
    ("base", "head", "new", "fixed"),
    [
        ((), (OPEN,), [OPEN], []),
        ((OPEN,), (), [], [OPEN]),
        ((OPEN,), (OPEN,), [], []),
        ((DOUBT,), (OPEN,), [OPEN], []),
        ((OPEN,), (DOUBT,), [DOUBT], []),
        ((WAIVED,), (OPEN,), [OPEN], []),
        ((OPEN,), (WAIVED,), [], [OPEN]),
    ],
    ids=["new", "gone", "same", "decided", "doubted", "no longer accepted", "accepted"],
)
def test_what_became_unknown_is_not_mended(base, head, new, fixed):
    found = difference(side(*base), side(*head))
    assert [one.finding for one in found.new] == new
    assert list(found.fixed) == fixed
