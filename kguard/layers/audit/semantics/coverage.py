# SPDX-License-Identifier: Apache-2.0
"""Which management operations does a policy lose, record too thinly, or write out in full?

Authority: `region.py` for who decides a request, k8s.io/apiserver pkg/endpoints/filters/audit.go
and authn_audit.go for the stage that proves it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from kguard.layers.audit.semantics.evaluate import Attributes, effective_omit_stages
from kguard.layers.audit.semantics.families import (
    CONCERNS,
    CORE,
    NARROW_CONFIGMAPS,
    NOISE,
    Ending,
    Family,
    Limit,
    Noise,
)
from kguard.layers.audit.semantics.policy import LEVELS, Policy
from kguard.layers.audit.semantics.profile import DEFAULT, Profile
from kguard.layers.audit.semantics.region import (
    RegionTooLargeError,
    Share,
    decide,
    subtract,
)
from kguard.layers.audit.semantics.resources import ANY_VERSION, Catalogue
from kguard.layers.audit.semantics.space import OTHER, Box, Piece, Space
from kguard.layers.audit.semantics.universe import (
    noise_region,
    occurring,
    region_of,
    select_region,
    space_of,
)

Unreachable = Literal["shadowed", "never-matches"]

MAX_RULES = 1_000
"""A policy with more rules is not judged: nothing is said about what it records."""


PROOF: dict[Ending, tuple[str, ...]] = {
    "complete": ("ResponseComplete",),
    "connect": ("ResponseStarted", "ResponseComplete"),
    "failed_login": ("ResponseStarted",),
}
"""The stages of which one must be kept."""


class Hole(NamedTuple):
    """Requests of a family that one rule (-1: none matches) records too thinly or not at all."""

    rule: int
    level: str
    """What is really recorded: None also where the stages that prove the request are left out."""
    cause: Literal["level", "stages"]
    witness: Attributes


class Excess(NamedTuple):
    """Requests whose content one rule writes to the log."""

    rule: int
    level: str
    witness: Attributes


class FamilyCoverage(NamedTuple):
    """How a family is recorded."""

    family: Family
    level: str
    """The weakest level at which a request of the family is recorded; empty: too complex."""
    holes: tuple[Hole, ...]


class LimitCoverage(NamedTuple):
    """Whether content that must stay out of the log gets into it."""

    limit: Limit
    excesses: tuple[Excess, ...]
    known: bool = True


class NoiseCoverage(NamedTuple):
    """How requests that nobody misses are recorded at most; empty: too complex."""

    noise: Noise
    level: str


class Coverage(NamedTuple):
    """What a valid policy does with management operations."""

    families: tuple[FamilyCoverage, ...]
    concerns: tuple[FamilyCoverage, ...]
    limits: tuple[LimitCoverage, ...]
    noise: tuple[NoiseCoverage, ...]


def _unjudged(profile: Profile) -> Coverage:
    return Coverage(
        tuple(FamilyCoverage(family, "", ()) for family in profile.families),
        tuple(FamilyCoverage(concern, "", ()) for concern in CONCERNS),
        tuple(LimitCoverage(limit, (), known=False) for limit in profile.limits),
        tuple(NoiseCoverage(noise, "") for noise in NOISE),
    )


def cover(policy: Policy, profile: Profile = DEFAULT, served: Catalogue = ANY_VERSION) -> Coverage:
    """Evaluate every family and every limit on the exact regions of the rules."""
    if len(policy.rules) > MAX_RULES:
        return _unjudged(profile)
    space = space_of(policy, profile, served)
    return Coverage(
        tuple(_family(space, policy, f, profile.limits) for f in profile.families),
        tuple(_family(space, policy, concern) for concern in CONCERNS),
        tuple(_limit(space, policy, limit) for limit in profile.limits),
        tuple(_noise(space, policy, noise) for noise in NOISE),
    )


def cover_family(policy: Policy, *families: Family) -> tuple[FamilyCoverage, ...]:
    """How some families are recorded."""
    space = space_of(policy)
    return tuple(_family(space, policy, family) for family in families)


def unreachable_rules(policy: Policy, served: Catalogue = ANY_VERSION) -> dict[int, Unreachable]:
    """Rules that decide no request: earlier rules take all, or nothing ever matches.

    Rules of a policy that is too complex are left out.
    """
    if len(policy.rules) > MAX_RULES:
        return {}
    space = space_of(policy, served=served)
    universe = occurring(space)
    try:
        alive = {share.rule for share in decide(space, policy, universe)}
    except RegionTooLargeError:
        return {}
    found: dict[int, Unreachable] = {}
    for index, rule in enumerate(policy.rules):
        if index not in alive:
            alone = decide(space, Policy(rules=(rule,)), universe)
            found[index] = "shadowed" if any(s.rule == 0 for s in alone) else "never-matches"
    return found


def _family(
    space: Space, policy: Policy, family: Family, limits: tuple[Limit, ...] = ()
) -> FamilyCoverage:
    try:
        shares = decide(space, policy, region_of(space, family, limits))
    except RegionTooLargeError:
        return FamilyCoverage(family, "", ())
    found = [_recorded(policy, share.rule, family.ending) for share in shares]
    weakest = min((level for level, _ in found), key=LEVELS.index, default=family.floor)
    holes = [
        Hole(share.rule, level, cause, witness(space, share))
        for share, (level, cause) in zip(shares, found, strict=True)
        if LEVELS.index(level) < LEVELS.index(family.floor)
    ]
    return FamilyCoverage(family, weakest, tuple(holes))


def _recorded(policy: Policy, index: int, ending: Ending) -> tuple[str, Literal["level", "stages"]]:
    """The level at which a rule records, and whether left out stages make it None."""
    if index < 0:
        return "None", "level"
    rule = policy.rules[index]
    omitted = effective_omit_stages(policy, rule)
    if rule.level != "None" and all(stage in omitted for stage in PROOF[ending]):
        return "None", "stages"
    return rule.level, "level"


def _limit(space: Space, policy: Policy, limit: Limit) -> LimitCoverage:
    excesses: dict[int, Excess] = {}
    try:
        for select in limit.selects:
            region = _guarded(space, limit, select_region(space, select))
            for share in decide(space, policy, region):
                level = policy.rules[share.rule].level if share.rule >= 0 else "None"
                if LEVELS.index(level) > LEVELS.index(select.ceiling):
                    found = Excess(share.rule, level, witness(space, share))
                    excesses.setdefault(share.rule, found)
    except RegionTooLargeError:
        return LimitCoverage(limit, (), known=False)
    return LimitCoverage(limit, tuple(excesses[rule] for rule in sorted(excesses)))


def _noise(space: Space, policy: Policy, noise: Noise) -> NoiseCoverage:
    try:
        shares = decide(space, policy, noise_region(space, noise))
    except RegionTooLargeError:
        return NoiseCoverage(noise, "")
    levels = [_recorded(policy, share.rule, "complete")[0] for share in shares]
    return NoiseCoverage(noise, max(levels, key=LEVELS.index, default="None"))


def newly_loud(policy: Policy, after: Policy) -> list[tuple[int, Noise]]:
    """Noise that a changed policy records and that a rule of the first (-1: none) did not.

    Raises:
        RegionTooLargeError: the parts are too many.
    """
    space = space_of(after)
    found = []
    for noise in NOISE:
        for share in decide(space, policy, noise_region(space, noise)):
            if _recorded(policy, share.rule, "complete")[0] == "None":
                now = decide(space, after, share.boxes)
                if any(_recorded(after, one.rule, "complete")[0] != "None" for one in now):
                    found.append((share.rule, noise))
    return found


def _guarded(space: Space, limit: Limit, boxes: list[Box]) -> list[Box]:
    """Without the named ConfigMaps that configure a protection layer."""
    if limit.id != "configmap_bodies":
        return boxes
    narrow = Piece(
        space.everything._replace(
            path=1,
            group=space.groups.mask([CORE]),
            namespace=space.namespaces.mask(NARROW_CONFIGMAPS),
            name=space.names.without(OTHER, ""),
        ),
        0,
    )
    return [rest for box in boxes for rest in subtract(space, box, narrow)]


def witness(space: Space, share: Share) -> Attributes:
    """The plainest request of a share: an ordinary user before one that a rule names."""
    anybody = space.users.mask([OTHER])

    def strangeness(item: tuple[int, Box]) -> tuple[bool, int, int]:
        index, box = item
        return not box.user & anybody, box.must.bit_count(), index

    return space.example(min(enumerate(share.boxes), key=strangeness)[1])
