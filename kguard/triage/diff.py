# SPDX-License-Identifier: Apache-2.0
"""What does a change do: which effects does it have, which findings come and go?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kguard import layers
from kguard.inventory import Inventory
from kguard.model.differences import KINDS, Appeared, Cause, Difference, Effect, Kind
from kguard.model.facts.common import Evidence
from kguard.model.findings import Finding, Report
from kguard.model.layer import Change, Comparison
from kguard.model.locations import Location
from kguard.model.manifests import Manifest
from kguard.triage.causes import Causes, Trial
from kguard.triage.edits import Edited, edits

MAX_NAMED = 3
"""Subjects of one effect that its sentence names."""

_FIELDS: Mapping[Kind, str] = {
    "opens": "opened",
    "cuts": "cut",
    "weakens": "weaker",
    "strengthens": "stronger",
}
_SUBJECT = "{}"


class Side(NamedTuple):
    """One side of a change, judged."""

    report: Report
    inventory: Inventory
    facts: Mapping[str, Any]
    root: str = ""
    """The displayed folder that was read, if the sides differ in it."""


class Sure(NamedTuple):
    """What stays true of the head without what may not be applied."""

    findings: Sequence[Finding]
    facts: Mapping[str, Any]


Facts = Callable[[str, Edited], Any]
"""The facts of a layer where one object of the head is as it was."""


def difference(
    base: Side, head: Side, tried: Facts | None = None, sure: Sure | None = None
) -> Difference:
    """Compare two judged inputs.

    Args:
        base: what there was.
        head: what there is.
        tried: how to try what the head would be without one of its changes.
        sure: what is better only beyond it is undecided; None: all of the head is sure.

    Returns:
        Effects in the order of `KINDS` and layers; findings subtracted by fingerprint, waived ones
        left out on both sides.
    """
    roots = (base.root, head.root)
    found = edits(base.inventory, head.inventory, roots)
    causes = Causes(base.inventory, head.inventory, found, roots)
    old, new = (_counted(side.report.findings) for side in (base, head))
    come = appeared(base.report.findings, head.report.findings)
    effects = tuple(_effects(base, head, causes, tried, sure))
    gone = list(_fixed(old, new))
    still = frozenset(_counted(sure.findings)) if sure else frozenset()
    return Difference(
        effects=effects,
        new=tuple(Appeared(f, causes.of_finding(f) or _alone(f, effects)) for f in come),
        fixed=tuple(finding for finding in gone if finding.fingerprint not in still),
        undecided=tuple(finding for finding in gone if finding.fingerprint in still),
        unchanged=len(old.keys() & new.keys()),
        objects=len(found),
        incomplete=tuple(sorted({*base.report.incomplete, *head.report.incomplete})),
    )


def _alone(finding: Finding, effects: Sequence[Effect]) -> Cause | None:
    """The cause of everything else that happens in the layer of a finding, if it is one."""
    found = {effect.cause for effect in effects if effect.layer == finding.layer}
    return found.pop() if len(found) == 1 else None


def appeared(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """The findings that one report has and an earlier one has not, waived ones aside."""
    old = _counted(before)
    return [finding for key, finding in _counted(after).items() if key not in old]


def _counted(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {f.fingerprint: f for f in findings if f.state != "waived"}


def _fixed(old: Mapping[str, Finding], new: Mapping[str, Finding]) -> Iterator[Finding]:
    """Findings that are gone; what only became unknown, or known, is not mended."""
    still = {_identity(f) for f in new.values()}
    for key, finding in old.items():
        if key not in new and _identity(finding) not in still:
            yield finding


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.policy, str(finding.target), finding.path


class _Told(NamedTuple):
    """What effects are grouped by: one sentence for everything that it is true of."""

    kind: Kind
    layer: str
    sentence: str
    cause: Cause | None


def _effects(
    base: Side, head: Side, causes: Causes, tried: Facts | None, sure: Sure | None
) -> Iterator[Effect]:
    groups: dict[_Told, list[Change]] = {}
    better = _better(base, sure or Sure((), head.facts))
    for name, compared in layers.comparisons(base.facts, head.facts):
        for kind, change in _once(compared):
            if kind == "strengthens" and (name, change.target, change.text) not in better:
                continue
            trial = _trial(name, kind, change, base, tried)
            cause = causes.of_effect(change.evidence, change.before, change.target, trial)
            sentence = change.sentence or f"{_SUBJECT}: {change.text}"
            groups.setdefault(_Told(kind, name, sentence, cause), []).append(change)
    for told, changes in sorted(groups.items(), key=lambda g: KINDS.index(g[0].kind)):
        subjects = list(dict.fromkeys(change.subject or change.target for change in changes))
        targets = tuple(dict.fromkeys(_words(change.target, base, head) for change in changes))
        yield Effect(
            kind=told.kind,
            layer=told.layer,
            text=told.sentence.replace(_SUBJECT, listed(subjects), 1),
            targets=targets,
            cause=told.cause,
            places=tuple(_places(targets, base, head, causes)),
        )


def _better(base: Side, sure: Sure) -> set[tuple[str, str, str]]:
    compared = layers.comparisons(base.facts, sure.facts)
    return {(name, change.target, change.text) for name, one in compared for change in one.stronger}


def _words(target: str, base: Side, head: Side) -> str:
    """An object in words that may be named by its id."""
    found = head.inventory.by_id(target) or base.inventory.by_id(target)
    return str(found.ref) if isinstance(found, Manifest) else target


def _once(compared: Comparison) -> Iterator[tuple[Kind, Change]]:
    """The changes that say something on their own; none twice.

    What is protected less and thereby accepts more is told as the former.
    """
    weaker = {(change.target, change.text) for change in compared.weaker}
    for kind in KINDS:
        for change in getattr(compared, _FIELDS[kind]):
            twice = kind == "opens" and (change.target, change.text) in weaker
            if not change.implied and not twice:
                yield kind, change


def _trial(layer: str, kind: Kind, change: Change, base: Side, tried: Facts | None) -> Trial | None:
    if tried is None or layer == layers.JOINED:
        return None

    def gone(edit: Edited) -> bool:
        facts = tried(layer, edit)
        again = layers.load(layer).compare(base.facts[layer], facts)
        return (change.target, change.text) not in {
            (one.target, one.text) for one in getattr(again, _FIELDS[kind])
        }

    return gone


def listed(names: Sequence[str]) -> str:
    """Some names of many: `a`, `a and b`, `a, b, c and 9 more`; with `;` where one has a comma."""
    shown, more = list(names[:MAX_NAMED]), len(names) - MAX_NAMED
    if any("," in name for name in shown):
        return "; ".join([*shown, *([f"and {more} more"] if more > 0 else [])])
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _places(targets: Sequence[str], base: Side, head: Side, causes: Causes) -> Iterator[Location]:
    """Where the objects concerned stand, or stood."""
    for target in targets:
        here, there = head.inventory.id_of(target), base.inventory.id_of(target)
        found = (
            causes.places["head"].quote(Evidence(here, role="target"))
            if here
            else causes.places["base"].quote(Evidence(there, role="target"))
        )
        if found[1]:
            yield found[1]
