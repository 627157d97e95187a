# SPDX-License-Identifier: Apache-2.0
"""Does the YAML reader read what kubectl and kustomize read?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import listed, measure
from tests.conformance.kubectl_yaml.vectors import FOLDER, SUITES

SIZES = {
    "kubectl-yaml documents, exact": 5135,
    "kubectl-yaml documents, fast": 5135,
    "kubectl-yaml lines": 2957,
    "kubectl-yaml objects": 3121,
    "kubectl-yaml kustomize": 4444,
}


@pytest.mark.parametrize("name", SUITES)
def test_agrees(shared: Path, name: str) -> None:
    skips = listed(Path(__file__).parent).get(name, {})
    outcome = measure(name, SUITES[name](shared / "conformance" / FOLDER), skips)
    assert outcome.cases == SIZES[name]
    assert outcome.broken == []
    assert outcome.healed == []
