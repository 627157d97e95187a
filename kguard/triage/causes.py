# SPDX-License-Identifier: Apache-2.0
"""Which changed line brings an effect about?

The evidence that decides after the change and the evidence that decided before it are held against
the places that changed. Where none of them meets, the changed places of the objects that they name
count, then those of the object concerned, then the only object that changed at all. Where several
remain the caller may try each: an effect that is gone when one object is as it was, is its doing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from kguard.inventory import Inventory
from kguard.inventory.places import Places
from kguard.model.differences import Cause
from kguard.model.facts.common import Evidence
from kguard.model.findings import Finding, Quote
from kguard.model.locations import Location, pointer, pointer_tokens
from kguard.model.manifests import Manifest, PlainFile
from kguard.model.redaction import redact
from kguard.triage.edits import Edited, Item, Side, Spot
from kguard.triage.recipes import Line, Recipes

_INCIDENTAL = ("/metadata/annotations", "/metadata/generation", "/status")
"""Places that decide nothing unless evidence says so."""

Trial = Callable[[Edited], bool]
"""Whether an effect is gone when one object is as it was."""


class Causes:
    """Finds causes among the differences of two inventories."""

    def __init__(
        self,
        base: Inventory,
        head: Inventory,
        found: Sequence[Edited],
        roots: tuple[str, str] = ("", ""),
    ) -> None:
        self._edits = found
        self._recipes = Recipes(base, head, roots)
        self._roots = roots
        self._inventories: dict[Side, Inventory] = {"base": base, "head": head}
        self.places: dict[Side, Places] = {"base": Places(base), "head": Places(head)}
        self._by_id: dict[Side, dict[str, Edited]] = {
            "base": {e.base.id: e for e in found if e.base},
            "head": {e.head.id: e for e in found if e.head},
        }
        self._by_name = {edit.name: edit for edit in found}
        self._by_name |= self._by_id["base"] | self._by_id["head"]

    def of_effect(
        self,
        after: Iterable[Evidence],
        before: Iterable[Evidence],
        target: str,
        trial: Trial | None = None,
    ) -> Cause | None:
        """The cause of a difference of facts.

        Args:
            after: what decides in the head.
            before: what decided in the base.
            target: the object concerned, in words.
            trial: asked where evidence does not tell.
        """
        sides: list[tuple[Side, Evidence]] = [("head", e) for e in after]
        sides += [("base", e) for e in before]
        return self._met(sides) or self._touched(sides, target) or self._tried(trial)

    def of_finding(self, finding: Finding) -> Cause | None:
        """The cause of a finding that the base does not have."""
        sides: list[tuple[Side, Evidence]] = [
            ("head", e) for e in map(self._evidence, finding.evidence) if e
        ]
        return self._met(sides) or self._touched(sides, str(finding.target))

    def _evidence(self, quote: Quote) -> Evidence | None:
        """A piece of evidence as a finding keeps it, on the head's side."""
        edit = self._by_name.get(quote.object or quote.file)
        if edit is None or edit.head is None:
            return None
        return Evidence(edit.head.id, quote.path, role=quote.role, line=self._inside(edit, quote))

    def _inside(self, edit: Edited, quote: Quote) -> int:
        """The line of a quote within the text that it stands in; 0 where it is no such text."""
        if isinstance(edit.head, PlainFile):
            return quote.line
        value = _value(edit.head, quote.path)
        if not isinstance(value, str) or "\n" not in value:
            return 0
        opening, _ = self._quote("head", edit.head, Spot("head", quote.path))
        return max(quote.line - opening.line, 0)

    def _met(self, sides: Sequence[tuple[Side, Evidence]]) -> Cause | None:
        """The first changed place that evidence names, or that lies in what it names."""
        for role in ("decides", "related"):
            for side, evidence in sides:
                edit = self._by_id[side].get(evidence.ref)
                if edit is None or evidence.role != role:
                    continue
                spot = _meeting(edit, side, evidence)
                if spot:
                    return self._cause(edit, _now(edit, spot))
        return None

    def _touched(self, sides: Sequence[tuple[Side, Evidence]], target: str) -> Cause | None:
        named = [self._by_id[side].get(evidence.ref) for side, evidence in sides]
        for edit in (*named, self._by_name.get(target)):
            if edit and (spot := _main(edit)):
                return self._cause(edit, spot)
        return self._only()

    def _only(self) -> Cause | None:
        """What changed, where it is one object."""
        serious = [(edit, spot) for edit in self._edits if (spot := _main(edit))]
        return self._cause(*serious[0]) if len(serious) == 1 else None

    def _tried(self, trial: Trial | None) -> Cause | None:
        for edit in self._edits if trial else ():
            spot = _main(edit)
            if spot and trial and trial(edit):
                return self._cause(edit, spot)
        return None

    def _cause(self, edit: Edited, spot: Spot) -> Cause:
        if line := self._recipes.deciding(edit):
            return _of_recipe(edit, line, self._roots)
        item = edit.on(spot.side)
        inner = spot._replace(pointer=_only_inner(item, spot.pointer)) if spot.pointer else spot
        quote, place = self._quote(spot.side, item, inner)
        shown = place if spot.side == "head" else self._remaining(edit, spot, place)
        return Cause(
            side=spot.side,
            object=edit.name,
            file=quote.file,
            line=quote.line,
            text=quote.text.strip(),
            place=shown,
        )

    def _quote(self, side: Side, item: Item | None, spot: Spot) -> tuple[Quote, Location | None]:
        ref = item.id if item else ""
        return self.places[side].quote(Evidence(ref, spot.pointer, line=spot.line))

    def _remaining(self, edit: Edited, spot: Spot, gone: Location | None) -> Location | None:
        """The nearest place of the head to something that is gone."""
        for near in _nearby(edit.base, spot.pointer) if edit.head else ():
            if _value(edit.head, near) is not None:
                return self._quote("head", edit.head, Spot("head", near))[1]
        if gone is None or not gone.file:
            return None
        file = _below_other(gone.file, self._roots)
        here = [m for m in self._inventories["head"].manifests if m.text.file == file]
        before = [m for m in here if m.text.line <= gone.line]
        nearest = max(before or here, key=lambda m: m.text.line, default=None)
        return self._quote("head", nearest, Spot("head", ""))[1] if nearest else None


def _of_recipe(edit: Edited, line: Line, roots: tuple[str, str]) -> Cause:
    file = line.file if line.side == "head" else _below_other(line.file, roots)
    return Cause(
        side=line.side,
        object=edit.name,
        file=line.file,
        line=line.number,
        text=redact(line.text.strip()),
        place=Location(
            file=file,
            line=line.near,
            column=1,
            end_line=line.near,
            end_column=line.end,
            role="decides",
        )
        if line.near
        else None,
    )


def _below_other(file: str, roots: tuple[str, str]) -> str:
    """A file of the base as the head would display it."""
    own, other = roots
    return f"{other}{file.removeprefix(own)}" if own != other else file


def _nearby(item: Item | None, place: str) -> Iterator[str]:
    """What stands before a place of an object, then what stands around it, and so on."""
    while place:
        place, _, last = place.rpartition("/")
        around = _value(item, place)
        if isinstance(around, list):
            yield from (place + pointer(index) for index in reversed(range(int(last))))
        elif isinstance(around, dict):
            names = [pointer(name) for name in around]
            before = names[: names.index(f"/{last}")]
            yield from (place + name for name in reversed(before))
        yield place


def _meeting(edit: Edited, side: Side, evidence: Evidence) -> Spot | None:
    """The changed place of an object that a piece of evidence is about."""
    mine = [spot for spot in edit.spots if spot.side == side]
    for spot in mine:
        if spot.line and (spot.pointer, spot.line) == (evidence.pointer, evidence.line):
            return spot
        if not spot.line and _below(evidence.pointer, spot.pointer):
            gone = side == "base" and not spot.pointer
            return spot if gone else Spot(side, evidence.pointer, evidence.line)
    if isinstance(edit.on(side), PlainFile):
        return None
    inside = [spot for spot in mine if _below(spot.pointer, evidence.pointer)]
    if not evidence.pointer:  # the whole of an object: not what nobody would look at
        inside = [spot for spot in inside if not _incidental(spot)]
    return inside[0] if inside else None


def _now(edit: Edited, spot: Spot) -> Spot:
    """What stands in the place of something that was replaced; else the spot itself."""
    if spot.side == "head" or spot.line:
        return spot
    for other in edit.spots:
        near = _below(spot.pointer, other.pointer) or _below(other.pointer, spot.pointer)
        if other.side == "head" and other.pointer and near:
            return other
    return spot


def _main(edit: Edited) -> Spot | None:
    """The first place of an object that somebody would look at, in the head if it has one."""
    serious = [spot for spot in edit.spots if not _incidental(spot)]
    return min(serious, key=_less_telling, default=None)


def _less_telling(spot: Spot) -> tuple[bool, bool]:
    """A workload's selector follows its pods' labels."""
    return spot.side == "base", _below(spot.pointer, "/spec/selector")


def _incidental(spot: Spot) -> bool:
    return any(_below(spot.pointer, place) for place in _INCIDENTAL)


def _below(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}/")


def _value(item: Item | None, place: str) -> Any:
    """What stands at a place of an object; None where there is no such place."""
    if isinstance(item, PlainFile) or item is None:
        return None
    value: Any = item.object if isinstance(item, Manifest) else item.value
    for name in pointer_tokens(place):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _only_inner(item: Item | None, place: str) -> str:
    """The innermost place of one that holds a single thing: what is there to be read."""
    value = _value(item, place)
    while isinstance(value, dict | list) and len(value) == 1:
        name = next(iter(value)) if isinstance(value, dict) else 0
        value, place = value[name], place + pointer(name)
    return place
