# SPDX-License-Identifier: Apache-2.0
"""What does a change of manifests do, and which changed line does it?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.findings import Finding, Incomplete
from kguard.model.locations import Location

Kind = Literal["opens", "cuts", "weakens", "strengthens"]
KINDS: tuple[Kind, ...] = ("opens", "cuts", "weakens", "strengthens")
"""In the order of every report; the last one is for the better."""


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A changed place that brings an effect about."""

    side: Literal["base", "head"]
    """`base`: what stood there is gone."""
    object: str
    """The object in words: `NetworkPolicy shop/web`."""
    file: str = ""
    line: int = 0
    text: str = ""
    """The quoted line, redacted."""
    place: Location | None = None
    """Where to show it in the head: the line itself, or the nearest one that remains."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is different in effect, for all objects that it concerns alike."""

    kind: Kind
    layer: str
    text: str
    """A sentence about the objects of the user."""
    targets: tuple[str, ...]
    cause: Cause | None
    """None where no single changed place is the reason."""
    places: tuple[Location, ...] = ()
    """Where the targets stand in the head, or stood in the base."""


class Appeared(msgspec.Struct, frozen=True):
    """A finding that the base does not have, and the changed place that brings it."""

    finding: Finding
    cause: Cause | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does: effects, and findings that appear or vanish."""

    effects: tuple[Effect, ...] = ()
    new: tuple[Appeared, ...] = ()
    fixed: tuple[Finding, ...] = ()
    undecided: tuple[Finding, ...] = ()
    """Gone only if something is applied of which nobody can tell."""
    unchanged: int = 0
    """How many findings are on both sides."""
    objects: int = 0
    """How many objects and files are not the same on both sides."""
    incomplete: tuple[Incomplete, ...] = ()
    """What could not be evaluated on either side."""

    @property
    def silent(self) -> bool:
        """Whether nothing changed that any layer can tell."""
        return not (self.effects or self.new or self.fixed or self.undecided)
