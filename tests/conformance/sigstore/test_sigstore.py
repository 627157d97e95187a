# SPDX-License-Identifier: Apache-2.0
"""Are the bundles of the Sigstore conformance suite accepted and refused as it expects?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import measure
from tests.conformance.sigstore.vectors import FOLDER, SUITES


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    outcome = measure(name, SUITES[name](shared / "conformance" / FOLDER), {})
    assert outcome.cases == 39
    assert outcome.broken == []
