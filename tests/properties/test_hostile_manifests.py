# SPDX-License-Identifier: Apache-2.0
"""Does any layer crash on manifests in which anything stands anywhere?"""

from __future__ import annotations

import copy
import random
import re
from datetime import UTC, datetime

import pytest

from kguard import layers, sources
from kguard.model.manifests import Collected
from kguard.scan import Options, compute, inventory_of
from tests.conftest import ROOT

JUNK = (
    None,
    7,
    -1,
    2**70,
    0.5,
    True,
    "",
    "x",
    "\x00",
    "*",
    "10.0.0.0/33",
    [],
    {},
    [None],
    [[]],
    {"": 0},
)
OPTIONS = Options(at=datetime(2026, 11, 23, tzinfo=UTC), scope="cluster")


def _read(*folders) -> Collected:
    wanted = tuple(pattern for name in layers.NAMES for pattern in layers.load(name).files)
    return sources.collect(
        [str(folder) for folder in folders], sources.Options(patterns=wanted, render="never")
    )


def _spoil(rng, value):
    """Put junk at a random place of a value."""
    holder = value
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = rng.choice(list(keys))
        child = holder[key]
        if isinstance(child, dict | list) and child and rng.random() < 0.8:
            holder = child
            continue
        holder[key] = copy.deepcopy(rng.choice(JUNK))
        return


def _spoiled(rng, collected):
    spoiled = copy.deepcopy(collected)
    for manifest in spoiled.manifests:
        for _ in range(rng.choice((0, 1, 1, 3))):
            _spoil(rng, manifest.object)
    for document in spoiled.documents:
        if isinstance(document.value, dict | list) and document.value:
            _spoil(rng, document.value)
    for plain in spoiled.files:
        at = rng.randrange(len(plain.content) + 1)
        plain.content = (
            plain.content[:at] + rng.choice(("\x00", '"', "{", "=", "\n")) + plain.content[at:]
        )
    return spoiled


@pytest.fixture(scope="module")
def shop():
    cases = (ROOT / "tests" / "cases").glob("*/*/in")
    return _read(ROOT / "examples" / "shop", *sorted(cases))


@pytest.mark.parametrize("seed", range(6))
def test_no_layer_crashes(shop, seed):
    rng = random.Random(seed)
    spoiled = _spoiled(rng, shop)
    facts = compute(inventory_of(spoiled, OPTIONS), OPTIONS)
    assert list(facts) == list(layers.DOCUMENTS)
    for name, document in facts.items():
        assert re.fullmatch(r"\w+", layers.load(name).coverage(document).state)
        layers.load(name).compare(document, document)
