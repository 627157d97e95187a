# SPDX-License-Identifier: Apache-2.0
"""Do policies of any kind that are broken anywhere still get an answer?"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from kguard.inventory import build
from kguard.layers.network.semantics.calico_selectors import MAX_DEPTH, SelectorError, parse
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import DIRECTIONS
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText
from support.generators.cilium_policies import questions
from tests.properties.network.worlds import world

WORLDS = 400
_KEPT = ("kind", "apiVersion", "metadata")
_JUNK: tuple[Any, ...] = (
    *(None, "", 0, -1, 1.5, True, [], {}, "xxx", ["a"], {"a": None}, [None], [[]], [{}], 10**30),
    *("10.0.0.0/8", "\u00b2", "\u0663", "9" * 5000, "1:\u00b2", float("inf"), {"port": {}}),
    *({"matchLabels": []}, {"matchLabels": {"a": 1}}, {"matchExpressions": [{}]}),
)


@pytest.mark.parametrize("start", range(0, WORLDS, 200))
def test_broken_policies_are_answered(start: int) -> None:
    for seed in range(start, start + 200):
        rng = Random(seed)
        objects = world(seed, rng.choice(("admin", "calico"))).objects
        objects += next(questions(seed, 1, 1))["policies"]
        broken = [_broken(rng, value) for value in objects]
        found = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(broken)]
        profile = PROFILES[rng.choice(("generic", "calico", "cilium", "netpol-analyzer"))]
        reach = Cluster(build(Collected(manifests=found)), profile).reach
        for number in range(reach.classes.count):
            for direction in DIRECTIONS:
                assert reach.allowed(direction, number, 0).may >= 0


def _broken(rng: Random, value: dict[str, Any]) -> dict[str, Any]:
    return {k: v if k in _KEPT else _mutated(rng, v) for k, v in copy.deepcopy(value).items()}


def _mutated(rng: Random, value: Any) -> Any:
    if rng.random() < 0.06:
        return copy.deepcopy(rng.choice(_JUNK))
    if isinstance(value, dict):
        return {key: _mutated(rng, entry) for key, entry in value.items()}
    return [_mutated(rng, entry) for entry in value] if isinstance(value, list) else value


def test_nesting_is_limited() -> None:
    assert parse("(" * MAX_DEPTH + "has(a)" + ")" * MAX_DEPTH) == parse("has(a)")
    with pytest.raises(SelectorError, match="nested"):
        parse("(" * 100_000 + "has(a)")
    assert parse("!" * 100_000 + "has(a)") == parse("has(a)")
