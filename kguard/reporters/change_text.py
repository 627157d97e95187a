# SPDX-License-Identifier: Apache-2.0
"""What does a change do, for people at a terminal?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.model.differences import Appeared, Cause, Difference, Effect
from kguard.model.findings import SEVERITIES, Finding
from kguard.model.safe_text import clean, shortened
from kguard.reporters.text import number_of

MAX_CAUSES = 20
"""Changed lines that are told; the JSON form has everything."""
MAX_LINE = 2000
"""Characters of one line."""
MAX_TOLD = 12
"""Lines under one of them, and fixed findings."""

Alike = list[Appeared]
"""New findings of one policy, one state and one cause."""


def render(found: Difference) -> str:
    """Under each changed line what it does, then what is fixed."""
    gone = [*_gone("fixed", found.fixed), *_gone("undecided", found.undecided)]
    lines = [*_causes(found), *gone, totals(found)]
    return "".join(f"{clean(shortened(line, MAX_LINE))}\n" for line in lines)


def totals(found: Difference) -> str:
    """The whole change in one sentence."""
    if found.silent:
        changed = number_of(found.objects, "objects")
        if found.incomplete:
            return (
                f"kguard: no effect is seen, but not everything could be judged ({changed} changed)"
            )
        return f"kguard: no effect on the five layers ({changed} changed)"
    undecided = f", {len(found.undecided)} undecided" if found.undecided else ""
    fixed = f"{len(found.fixed)} fixed{undecided}"
    return f"{len(found.new)} new, {fixed}, {found.unchanged} unchanged"


def _causes(found: Difference) -> Iterator[str]:
    effects: dict[Cause | None, list[Effect]] = {}
    for effect in found.effects:
        effects.setdefault(effect.cause, []).append(effect)
    new: dict[Cause | None, list[Alike]] = {}
    for alike in grouped(found.new):
        new.setdefault(alike[0].cause, []).append(alike)
    causes = list(dict.fromkeys([*effects, *new]))
    for cause in causes[:MAX_CAUSES]:
        yield place(cause)
        told = [*map(_effect, effects.get(cause, ())), *map(_finding, new.get(cause, ()))]
        yield from told[:MAX_TOLD]
        if len(told) > MAX_TOLD:
            yield f"  and {len(told) - MAX_TOLD} more: -o json has them all"
    if len(causes) > MAX_CAUSES:
        yield f"and {len(causes) - MAX_CAUSES} more changed lines: -o json has them all"


def place(cause: Cause | None) -> str:
    """Where a cause stands, and what stands or stood there."""
    if cause is None:
        return "several changes together"
    return f"{where(cause)}{gone(cause)}  {cause.text or cause.object}"


def where(cause: Cause) -> str:
    """File and line; rendered output has no lines, an object of a cluster has no file."""
    return f"{cause.file}:{cause.line}" if cause.line else cause.file or cause.object


def gone(cause: Cause) -> str:
    """What became of a place of the base, in brackets."""
    if cause.side == "head":
        return ""
    return " (removed)" if cause.line or not cause.file else " (no longer rendered)"


def _effect(effect: Effect) -> str:
    return f"  {effect.kind:12} {effect.text.removeprefix(f'{effect.kind} ')}"


def _finding(alike: Alike) -> str:
    first = alike[0].finding
    said = f"{doubt(first)}{first.message}{others(alike)}"
    return f"  {'new':12} {first.severity:8} {first.policy}  {said}"


def doubt(finding: Finding) -> str:
    """What stands in front of the message of a finding that could not be decided."""
    return "undecided: " if finding.state == "unknown" else ""


def others(alike: Alike) -> str:
    """How many findings there are beside the one that is shown."""
    return f" (+ {len(alike) - 1} more like this)" if len(alike) > 1 else ""


def grouped(new: Sequence[Appeared]) -> list[Alike]:
    """New findings of one policy, one state and one cause together, the gravest first."""
    found: dict[tuple[str, str, Cause | None], Alike] = {}
    for one in new:
        found.setdefault((one.finding.policy, one.finding.state, one.cause), []).append(one)
    return sorted(found.values(), key=lambda alike: -SEVERITIES.index(alike[0].finding.severity))


def _gone(word: str, findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:MAX_TOLD]:
        yield f"{word:14} {finding.severity:8} {finding.policy}  {finding.message}"
    if len(findings) > MAX_TOLD:
        yield f"{word:14} and {len(findings) - MAX_TOLD} more: -o json has them all"
