# SPDX-License-Identifier: Apache-2.0
"""Which requests does each rule of a policy decide, exactly?

Authority: k8s.io/apiserver pkg/audit/policy/checker.go `EvaluatePolicyRule`: the first rule that
matches decides. A region is a list of disjoint boxes of `space.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.space import AXES, Box, Piece, Space

MAX_BOXES = 20_000
"""More boxes than this in one region: the question is left open instead of eating memory."""


class RegionTooLargeError(Exception):
    """A region falls into more boxes than `MAX_BOXES`."""


def meet(space: Space, box: Box, piece: Piece) -> list[Box]:
    """The part of a box that fulfils a condition, as disjoint boxes."""
    common = _common(box, piece.box)
    if common is None:
        return []
    if not piece.any_of or common.must & piece.any_of:
        found = [common]
    else:
        found, excluded = [], 0
        for index in range(piece.any_of.bit_length()):
            bit = 1 << index
            if piece.any_of & bit:
                held = common.must_not | excluded
                found.append(common._replace(must=common.must | bit, must_not=held))
                excluded |= bit
    return [real for part in found if (real := space.real(part))]


def subtract(space: Space, box: Box, piece: Piece) -> list[Box]:
    """The part of a box that does not fulfil a condition, as disjoint boxes."""
    if _common(box, piece.box) is None:
        return [box]
    rest: list[Box] = []
    values = list(box)
    for axis in range(AXES):
        outside = values[axis] & ~piece.box[axis]
        if outside:
            rest.append(Box._make([*values[:axis], outside, *values[axis + 1 :]]))
        values[axis] &= piece.box[axis]
    inside = Box._make(values)
    if piece.any_of and not inside.must & piece.any_of:
        rest.append(inside._replace(must_not=inside.must_not | piece.any_of))
    return [real for part in rest if (real := space.real(part))]


class Share(NamedTuple):
    """The part of a region that one rule decides; -1 stands for no rule at all."""

    rule: int
    boxes: list[Box]


def decide(space: Space, policy: Policy, region: Iterable[Box]) -> list[Share]:
    """Which rule decides which part of a region: the first that matches.

    Raises:
        RegionTooLargeError: the parts are too many.
    """
    left = [real for box in region if (real := space.real(box))]
    shares = []
    for index, rule in enumerate(policy.rules):
        decided: list[Box] = []
        for piece in space.pieces(rule):
            decided += [part for box in left for part in meet(space, box, piece)]
            left = [part for box in left for part in subtract(space, box, piece)]
            if len(left) + len(decided) > MAX_BOXES:
                raise RegionTooLargeError
        if decided:
            shares.append(Share(index, decided))
        if not left:
            return shares
    return [*shares, Share(-1, left)] if left else shares


def _common(left: Box, right: Box) -> Box | None:
    values = []
    for axis in range(AXES):
        value = left[axis] & right[axis]
        if not value:
            return None
        values.append(value)
    return Box._make([*values, left.must, left.must_not])
