# SPDX-License-Identifier: Apache-2.0
"""How are the five facts documents joined, counted and compared?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kguard.layers.cross.audit_rules import audit_rules
from kguard.layers.cross.calls import calls
from kguard.layers.cross.deliveries import deliveries
from kguard.layers.cross.passage import Passages
from kguard.model.facts.common import Presence
from kguard.model.facts.cross import Call, Facts
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Change, Comparison, Request

_RULES = {"starved": 0, "unknown": 1, "fed": 2}
_DELIVERIES = {"blocked": 0, "refused": 0, "unknown": 1, "arrives": 2}

_Scores = dict[tuple[str, str], int]


def join(documents: Mapping[str, Any], request: Request) -> Facts:
    """The facts document.

    Args:
        documents: the facts structs of the five layers, by name.
        request: what the user asked of the scan.
    """
    passages = Passages(documents["network"])
    rules = audit_rules(documents["runtime"], documents["audit"])
    ways = deliveries(documents["runtime"], passages, documents["mtls"])
    present: Presence = "present" if rules or ways else "absent"
    return Facts(request.scope, present, rules, ways, calls(passages, documents["mtls"]))


def coverage(facts: Facts) -> LayerCoverage:
    """How many things that take two layers were judged."""
    states: list[str] = [rule.state for rule in facts.audit_rules]
    states += [way.state for way in facts.deliveries]
    known = sum(state != "unknown" for state in states)
    what = "rules about audit events and ways of alerts"
    if not states:
        return LayerCoverage("no_evidence", 0, 0, what)
    return LayerCoverage(
        "evaluated" if known == len(states) else "unknown", known, len(states), what
    )


def compare(before: Facts, after: Facts) -> Comparison:
    """Rules that lost, or got, what they need to fire; alerts and calls that no longer arrive."""
    was, now = _scores(before), _scores(after)
    steps = [(key, now[key] - was[key]) for key in sorted(was.keys() & now)]
    return Comparison(
        weaker=tuple(
            Change(target, f"no longer: {words}") for (target, words), s in steps if s < 0
        ),
        stronger=tuple(Change(target, words) for (target, words), s in steps if s > 0),
        cut=tuple(_blocked(before, after)),
    )


def _blocked(before: Facts, after: Facts) -> Iterator[Change]:
    """Calls that arrived and are blocked on the way that the mesh takes now."""
    arrived = {_key(call): call.way for call in before.calls if call.state == "arrives"}
    for call in after.calls:
        if call.state == "blocked" and arrived.get(_key(call), call.way) != call.way:
            text = f"calls of {call.ref} take port {call.way} now, and policies close it"
            yield Change(str(call.server), text, tuple(call.because))


def _key(call: Call) -> tuple[str, str, str, str]:
    return call.ref.id, call.server.id, call.port, call.service


def _scores(facts: Facts) -> _Scores:
    found: _Scores = {}
    for rule in facts.audit_rules:
        words = f"the audit log holds what the rule {rule.rule} needs"
        key = str(rule.ref), words
        found[key] = min(_RULES[rule.state], found.get(key, _RULES[rule.state]))
    for way in facts.deliveries:
        found[str(way.ref), f"alerts arrive at {way.receiver}"] = _DELIVERIES[way.state]
    return found
