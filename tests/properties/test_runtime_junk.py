# SPDX-License-Identifier: Apache-2.0
"""Do the facts of the runtime layer come out whatever stands in manifests?"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kguard import sources
from kguard.inventory import build
from kguard.layers.runtime import LAYER
from kguard.model.layer import Request
from kguard.model.manifests import Collected

CASES = Path(__file__).parents[1] / "cases" / "runtime"
INPUTS = (
    *("artifacts", "nodes-of-all-kinds", "operator-by-node", "outputs", "receiver", "tamper"),
    *("chart-values", "loaded-otherwise"),
)
JUNK: tuple[Any, ...] = (
    *(None, 7, -1, 1.5, True, "x", "", "*", "\x00", "http://["),
    *([], {}, [1], [[]], ["x", None], {"a": 1}, {"name": 7}, {"matchLabels": 5}),
)
ROUNDS = 25
MOST_CHANGES = 4


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def spoil(random: Random, collected: Collected) -> None:
    """Put junk somewhere; what an object is stays, so that it is looked at."""
    manifest = random.choice(collected.manifests)
    found = [p for p in places(manifest.object) if p and p[0] not in ("apiVersion", "kind")]
    *above, last = random.choice(found)
    holder = manifest.object
    for step in above:
        holder = holder[step]
    holder[last] = copy.deepcopy(random.choice(JUNK))


@pytest.mark.parametrize("name", INPUTS)
def test_junk_anywhere(name):
    random = Random(f"{name} 20261130")
    read = sources.collect([str(CASES / name / "in")], sources.Options(patterns=("*.prom",)))
    for _ in range(ROUNDS):
        collected = copy.deepcopy(read)
        for _ in range(random.randint(1, MOST_CHANGES)):
            spoil(random, collected)
        scope = random.choice(("app", "cluster"))
        request = Request(scope=scope, at=datetime(2026, 11, 23, tzinfo=UTC))
        found = LAYER.facts(build(collected), request)
        assert LAYER.compare(found, found).weaker == ()
        assert LAYER.coverage(found).state in ("evaluated", "unknown", "no_evidence")
