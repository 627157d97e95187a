# SPDX-License-Identifier: Apache-2.0
"""Do we decide about connections, and refuse policies, as Calico's own code does?"""

from __future__ import annotations

from pathlib import Path

from support.generators.calico_policies import questions
from tests.conformance.calico_policy.oracle import (
    ASKED,
    RECORDED,
    RECORDED_SEED,
    World,
    replayed,
)

LEFT_OPEN = 0.03
"""The share of sides of connections that we may leave open."""


def test_agrees_on_every_recorded_connection() -> None:
    found = list(replayed(Path()))
    assert len(found) == RECORDED * (ASKED + 1)
    assert [name for name, recorded, ours in found if recorded != ours] == []
    refused = [name for _, recorded, _ in found[:: ASKED + 1] for name in recorded]
    assert len(refused) > RECORDED / 10


def test_leaves_few_answers_open() -> None:
    worlds = [(World(asked), asked["asked"]) for asked in questions(RECORDED_SEED, 100, ASKED)]
    sides = [side for world, asked in worlds for pair in asked for side in world.verdict(pair)]
    assert sides.count(None) < LEFT_OPEN * len(sides)
    assert {True, False} <= set(sides)
