# SPDX-License-Identifier: Apache-2.0
"""Do the facts answer what the network rules of regolibrary ask, apart from the listed cases?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.regolibrary_network.vectors import FOLDER, SKIPS, alerts


def test_agrees_apart_from_the_listed_cases(shared: Path) -> None:
    folder = shared / "conformance" / FOLDER
    cases = list(alerts(folder))
    assert len(cases) == 36
    disagreeing = {identity for identity, recorded, ours in cases if recorded != ours}
    assert disagreeing == set(SKIPS["regolibrary network"])
