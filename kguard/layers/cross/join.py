# SPDX-License-Identifier: Apache-2.0
"""How are the five facts documents joined, counted and compared?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kguard.layers.cross.audit_rules import audit_rules
from kguard.model.facts.cross import Facts
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Change, Comparison, Request

_STATES = {"starved": 0, "unknown": 1, "fed": 2}


def join(documents: Mapping[str, Any], request: Request) -> Facts:
    """The facts document.

    Args:
        documents: the facts structs of the five layers, by name.
        request: what the user asked of the scan.
    """
    found = audit_rules(documents["runtime"], documents["audit"])
    return Facts(request.scope, "present" if found else "absent", found)


def coverage(facts: Facts) -> LayerCoverage:
    """How many rules about audit events were held against an audit policy."""
    total = len(facts.audit_rules)
    known = sum(rule.state != "unknown" for rule in facts.audit_rules)
    if not total:
        return LayerCoverage("no_evidence", 0, 0, "rules about audit events")
    return LayerCoverage(
        "evaluated" if known == total else "unknown", known, total, "rules about audit events"
    )


def compare(before: Facts, after: Facts) -> Comparison:
    """Rules that lost, or got, what they need to fire."""
    was = {(str(rule.ref), rule.rule): rule.state for rule in before.audit_rules}
    now = {(str(rule.ref), rule.rule): rule.state for rule in after.audit_rules}
    pairs = [(key, _STATES[now[key]] - _STATES[was[key]]) for key in sorted(was.keys() & now)]
    weaker = _changes(pairs, -1, "the audit log no longer holds what the rule {} needs")
    stronger = _changes(pairs, 1, "the audit log holds what the rule {} needs")
    return Comparison(weaker=tuple(weaker), stronger=tuple(stronger))


def _changes(pairs: list[tuple[tuple[str, str], int]], sign: int, words: str) -> Iterator[Change]:
    for (target, rule), difference in pairs:
        if difference * sign > 0:
            yield Change(target, words.format(rule))
