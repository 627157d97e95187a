# SPDX-License-Identifier: Apache-2.0
"""What do we find in clusters that look protected, and what does a check of single objects say?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kguard.engine.embedded import EmbeddedEngine
from tests.unit.layers.mtls.misconfigurations import (
    FOUND,
    MISCONFIGURATIONS,
    PATTERN,
    fits,
    kguard_says,
    pattern_says,
)

HEAD = "| misconfiguration | kguard | pattern of `enforce-strict-mtls` |\n|---|---|---|\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


@pytest.mark.parametrize("name", MISCONFIGURATIONS)
def test_what_is_found(name: str, engine: EmbeddedEngine) -> None:
    texts = MISCONFIGURATIONS[name]
    assert (kguard_says(texts, engine), pattern_says(texts)) == FOUND[name]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("STRICT", True), ("UNSET", True), ("PERMISSIVE", False), ("DISABLE", False), (None, False)],
)
def test_pattern(mode: str | None, expected: bool) -> None:
    assert fits({"spec": {"mtls": {"mode": mode}}}, PATTERN) is expected
    assert fits({"spec": {"mtls": {}}}, PATTERN)
    assert fits({"metadata": {}}, PATTERN)


def test_documentation_shows_the_table(checkout: Path) -> None:
    rows = [
        f"| {name} | {', '.join(f'`{p}`' for p in policies) or 'nothing'} | {pattern} |\n"
        for name, (policies, pattern) in FOUND.items()
    ]
    page = (checkout / "docs" / "layers" / "mtls.md").read_text(encoding="utf-8")
    assert HEAD + "".join(rows) in page
