# SPDX-License-Identifier: Apache-2.0
"""Does every format with every fault get its own class?"""

from __future__ import annotations

import pytest

from support.generators.signed.cases import named_cases
from tests.conformance.cosign.oracle import ours

CASES = list(named_cases())


def test_every_format_has_its_cases():
    assert len(CASES) == len({case.id for case in CASES}) == 173


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_class(case):
    assert ours(case)[0] == case.expected
