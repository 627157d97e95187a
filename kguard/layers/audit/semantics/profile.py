# SPDX-License-Identifier: Apache-2.0
"""What must be recorded, and what must not, when the user has a word in it?

The floors and ceilings of `families.py` are the defaults; settings change them one by one and add
families of their own. A floor of None asks for nothing, a ceiling of RequestResponse allows all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kguard.layers.audit.semantics.families import ANY, FAMILIES, LIMITS, Family, Limit, Select
from kguard.layers.audit.semantics.policy import LEVELS


class Profile(NamedTuple):
    """Families with their floors, and limits with their ceilings."""

    families: tuple[Family, ...] = FAMILIES
    limits: tuple[Limit, ...] = LIMITS


DEFAULT = Profile()


class Own(NamedTuple):
    """A family of the user's."""

    id: str
    title: str
    floor: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


def edited(floors: Mapping[str, str], ceilings: Mapping[str, str], own: Iterable[Own]) -> Profile:
    """The default profile with the user's changes."""
    families = [family._replace(floor=floors.get(family.id, family.floor)) for family in FAMILIES]
    families += [_family(one) for one in own]
    limits = [_limit(limit, ceilings.get(limit.id, "")) for limit in LIMITS]
    return Profile(
        tuple(family for family in families if family.floor != LEVELS[0]),
        tuple(limit for limit in limits if limit.selects),
    )


def _family(own: Own) -> Family:
    main, _, subresource = (own.resources[0] if own.resources else ANY).partition("/")
    resources = tuple(name.partition("/")[0] for name in own.resources) or (main,)
    selects = (Select(own.groups, resources, (subresource,), own.verbs),)
    return Family(own.id, own.title, own.floor, selects, own=True)


def _limit(limit: Limit, ceiling: str) -> Limit:
    """The limit with a higher ceiling; without selections where nothing is too much."""
    if not ceiling:
        return limit
    allowed = LEVELS.index(ceiling)
    selects = [
        select._replace(ceiling=LEVELS[max(LEVELS.index(select.ceiling), allowed)])
        for select in limit.selects
    ]
    return limit._replace(selects=tuple(s for s in selects if s.ceiling != LEVELS[-1]))
