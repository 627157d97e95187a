# SPDX-License-Identifier: Apache-2.0
"""Is a later facts document weaker or stronger than an earlier one?

The order of effects: a node is watched > it is not; a detection fires > it is hidden > nothing
notices; alerts are delivered > they are not, of each rule; misses are noticed > they are not; rules
load > they are refused; a rule is in force > it is not; a rule that is new or switched on is silent
about what happens all the time > it is not. What is unknown lies between the two ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kguard.model.facts.runtime import Facts
from kguard.model.layer import Change, Comparison

_NODES = {"watched": 2, "unwatchable": 1, "unknown": 1, "unwatched": 0}
_TRUTHS = {"true": 2, "unknown": 1, "false": 0}
_DROPS = {
    **dict.fromkeys(("heard", "measured", "exits", "none"), 2),
    "unknown": 1,
    **dict.fromkeys(("hidden", "logged", "ignored"), 0),
}
_RULES = {"loads": 3, "unknown": 2, "empty": 1, "invalid": 0}
_DETECTIONS = {"fires": 3, "unknown": 2, "hidden": 1, "silent": 0}

_Scores = dict[tuple[str, str], tuple[int, str]]


def compare(before: Facts, after: Facts) -> Comparison:
    """Every effect that changed between the two documents."""
    old, new = _scores(before), _scores(after)
    weaker, stronger = [], []
    for key in sorted(old.keys() & new.keys()):
        (was, _), (now, words) = old[key], new[key]
        if now < was:
            weaker.append(Change(key[0], words))
        elif now > was:
            stronger.append(Change(key[0], words))
    weaker += (*_gone(before, after), *_unheard(before, after), *_noisy(before, after))
    stronger += _unheard(after, before, "now reach somebody")
    return Comparison(tuple(weaker), tuple(stronger))


def _gone(before: Facts, after: Facts) -> Iterator[Change]:
    """Falcos and rules that are no longer there at all."""
    there = {str(entry.ref) for entry in after.installations}
    for entry in before.installations:
        if str(entry.ref) not in there:
            yield Change(str(entry.ref), "is no longer there")
    old = {(str(r.installation), r.name) for r in before.rules if r.enabled and r.state == "live"}
    new = {(str(r.installation), r.name) for r in after.rules}
    for owner, name in sorted(old - new):
        yield Change(owner, f"no longer has the rule {name}")


def _unheard(
    before: Facts, after: Facts, words: str = "no longer reach anyone"
) -> Iterator[Change]:
    """Rules whose alerts every taker refuses after, and not before."""
    heard = {str(entry.ref): {*entry.unheard} for entry in before.installations}
    there = {(str(rule.installation), rule.name) for rule in before.rules if rule.enabled}
    for entry in after.installations:
        name = str(entry.ref)
        for rule in entry.unheard:
            if (name, rule) in there and rule not in heard.get(name, ()):
                yield Change(name, f"alerts of the rule {rule} {words}")


def _noisy(before: Facts, after: Facts) -> Iterator[Change]:
    """Rules newly in force that raise alerts for what happens all the time."""
    known = {(str(rule.installation), rule.name) for rule in before.rules if rule.enabled}
    for one in after.ordinary:
        if (str(one.installation), one.rule) not in known:
            yield Change(str(one.installation), f"{one.rule} raises an alert: {one.title}")


def _scores(facts: Facts) -> _Scores:
    found: _Scores = {}
    for node in facts.nodes:
        words = "is watched" if node.state == "watched" else "is not watched"
        found[str(node.ref), "node"] = (_NODES[node.state], words)
    for entry in facts.installations:
        name = str(entry.ref)
        _keep(found, (name, "delivery"), _TRUTHS[entry.delivered], _delivery(entry.delivered))
        _keep(found, (name, "drops"), _DROPS[entry.drops], f"events that it misses: {entry.drops}")
        _keep(found, (name, "rules"), _RULES[entry.rules], f"its rules: {entry.rules}")
    found.update(_rules(facts))
    return found


def _keep(found: _Scores, key: tuple[str, str], score: int, words: str) -> None:
    """Keep the weakest where a Falco is not the same on every node."""
    if key not in found or score < found[key][0]:
        found[key] = (score, words)


def _delivery(truth: str) -> str:
    words: Mapping[str, str] = {"true": "delivers alerts", "false": "delivers alerts to nobody"}
    return words.get(truth, "may deliver alerts")


def _rules(facts: Facts) -> _Scores:
    found: _Scores = {}
    for rule in facts.rules:
        in_force = rule.enabled and rule.state != "dead"
        words = f"the rule {rule.name} {'can' if in_force else 'cannot'} raise an alert"
        _keep(found, (str(rule.installation), f"rule {rule.name}"), int(in_force), words)
    for one in facts.detections:
        words = f"{one.title} ({one.id}): {one.state}"
        found[str(one.installation), f"detection {one.id}"] = (_DETECTIONS[one.state], words)
    return found
