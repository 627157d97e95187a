# SPDX-License-Identifier: Apache-2.0
"""Which requests does each rule of a policy decide, exactly?

Authority: k8s.io/apiserver pkg/audit/policy/checker.go `EvaluatePolicyRule`: the first rule that
matches decides. A region is a list of disjoint boxes of `space.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.space import AXES, Box, Piece, Space

MAX_BOXES = 20_000
"""More boxes than this in one region: the question is left open instead of eating memory."""


MAX_STEPS = 200_000
"""More comparisons than this for one region: likewise."""


class RegionTooLargeError(Exception):
    """A region falls into more boxes than `MAX_BOXES`, or takes more than `MAX_STEPS`."""


def split(space: Space, box: Box, piece: Piece) -> tuple[list[Box], list[Box]]:
    """The parts of a box that fulfil a condition and that do not, as disjoint boxes."""
    if _apart(box, piece.box):
        return [], [box]
    return _cut(space, box, piece)


def _cut(space: Space, box: Box, piece: Piece) -> tuple[list[Box], list[Box]]:
    """The same where the two have something in common."""
    outside: list[Box] = []
    values = list(box)
    for axis in range(AXES):
        rest = values[axis] & ~piece.box[axis]
        if rest:
            outside.append(Box._make([*values[:axis], rest, *values[axis + 1 :]]))
        values[axis] &= piece.box[axis]
    common = Box._make(values)
    if not piece.any_of or common.must & piece.any_of:
        inside = [common]
    else:
        inside = list(_members(common, piece.any_of))
        outside.append(common._replace(must_not=common.must_not | piece.any_of))
    return _real(space, inside), _real(space, outside)


def _members(box: Box, any_of: int) -> Iterator[Box]:
    """The requests of a box in at least one of the groups, each by the first group it is in."""
    excluded = 0
    for index in range(any_of.bit_length()):
        bit = 1 << index
        if any_of & bit:
            yield box._replace(must=box.must | bit, must_not=box.must_not | excluded)
            excluded |= bit


def _real(space: Space, boxes: list[Box]) -> list[Box]:
    return [real for box in boxes if (real := space.real(box))]


def subtract(space: Space, box: Box, piece: Piece) -> list[Box]:
    """The part of a box that does not fulfil a condition, as disjoint boxes."""
    return split(space, box, piece)[1]


class Share(NamedTuple):
    """The part of a region that one rule decides; -1 stands for no rule at all."""

    rule: int
    boxes: list[Box]


def decide(space: Space, policy: Policy, region: Iterable[Box]) -> list[Share]:
    """Which rule decides which part of a region: the first that matches.

    Raises:
        RegionTooLargeError: the parts are too many.
    """
    left = _real(space, list(region))
    shares = []
    steps = 0
    for index, rule in enumerate(policy.rules):
        decided: list[Box] = []
        for piece in space.pieces(rule):
            rest: list[Box] = []
            steps += len(left)
            for box in left:
                if _apart(box, piece.box):
                    rest.append(box)
                    continue
                inside, outside = _cut(space, box, piece)
                decided += inside
                rest += outside
            left = rest
            if len(left) + len(decided) > MAX_BOXES or steps > MAX_STEPS:
                raise RegionTooLargeError
        if decided:
            shares.append(Share(index, decided))
        if not left:
            return shares
    return [*shares, Share(-1, left)] if left else shares


def _apart(left: Box, right: Box) -> bool:
    """Whether two boxes have nothing in common; the axes that tell most often come first."""
    path, verb, group, resource, subresource, namespace, name, user, *_ = left
    return not (
        group & right.group
        and resource & right.resource
        and verb & right.verb
        and path & right.path
        and subresource & right.subresource
        and namespace & right.namespace
        and user & right.user
        and name & right.name
    )
