# SPDX-License-Identifier: Apache-2.0
"""Is a later set of manifests further from what the API server will store?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Facts
from kguard.model.layer import Change, Comparison

_Table = dict[tuple[str, str, str], list[Evidence]]


def compare(before: Facts, after: Facts) -> Comparison:
    """Objects that are newly refused, ignored or contradicted, and those that no longer are."""
    old, new = _table(before), _table(after)
    return Comparison(
        weaker=tuple(_changes(new, old)),
        stronger=tuple(_changes(old, new, "no longer: ")),
    )


def _table(facts: Facts) -> _Table:
    found: _Table = {}
    for problem in facts.problems:
        if problem.weight == "security":
            text = f"{problem.detail} ({problem.effect})"
            found[str(problem.ref), problem.path, text] = problem.because
    for duplicate in facts.duplicates:
        if duplicate.weight == "security":
            found[str(duplicate.ref), "", f"is defined {duplicate.detail}"] = duplicate.because
    return found


def _changes(here: _Table, there: _Table, prefix: str = "") -> Iterator[Change]:
    for key in sorted(here.keys() - there.keys()):
        target, _, text = key
        yield Change(target, prefix + text, tuple(here[key]))
