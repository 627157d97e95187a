# SPDX-License-Identifier: Apache-2.0
"""Is a later facts document weaker or stronger than an earlier one?

The order of effects: a node is watched > it is not; a detection fires > it is hidden > nothing
notices; alerts are delivered > they are not, of each rule; misses are noticed > they are not; rules
load > they are refused; a rule is in force > it is not; a rule that is new or switched on is silent
about what happens all the time > it is not. What is unknown lies between the two ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from kguard.model.facts.common import Evidence
from kguard.model.facts.runtime import Facts, Installation
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


class _Score(NamedTuple):
    """How good something is, in words, and why."""

    value: int
    words: str
    because: tuple[Evidence, ...] = ()
    worse: str = ""
    """The sentence about `{}` where it got worse, and where it got better."""
    better: str = ""
    subject: str = ""


_Scores = dict[tuple[str, str], _Score]


def compare(before: Facts, after: Facts) -> Comparison:
    """Every effect that changed between the two documents."""
    old, new = _scores(before), _scores(after)
    steps = {key: (old[key], new[key]) for key in sorted(old.keys() & new.keys())}
    weaker: list[Change] = [
        _step(key, step) for key, step in steps.items() if step[1].value < step[0].value
    ]
    stronger = [_step(key, step) for key, step in steps.items() if step[1].value > step[0].value]
    weaker, stronger = (_with_rules(c, before, after) for c in (weaker, stronger))
    weaker += (*_gone(before, after), *_unheard(before, after), *_noisy(before, after))
    stronger += _unheard(after, before, "now reach somebody")
    return Comparison(tuple(weaker), tuple(stronger))


def _step(key: tuple[str, str], step: tuple[_Score, _Score]) -> Change:
    was, now = step
    return Change(
        key[0],
        now.words,
        now.because,
        was.because,
        sentence=now.worse if now.value < was.value else now.better,
        subject=now.subject,
    )


def _with_rules(changes: list[Change], before: Facts, after: Facts) -> list[Change]:
    """A detection tells of the rule that brings it about, and rules tell of all rules together."""
    told = {(change.target, change.subject) for change in changes}
    behind = {
        (str(one.installation), f"the rule {one.rule} ")
        for one in (*before.detections, *after.detections)
        if one.rule and (str(one.installation), one.title) in told
    }
    owners = {change.target for change in changes if change.text.startswith("the rule ")}
    return [replace(c, implied=_is_implied(c, behind, owners)) for c in changes]


def _is_implied(change: Change, behind: set[tuple[str, str]], owners: set[str]) -> bool:
    if change.text.startswith("its rules: "):
        return change.target in owners
    return any(change.target == owner and change.text.startswith(words) for owner, words in behind)


def _gone(before: Facts, after: Facts) -> Iterator[Change]:
    """Falcos and rules that are no longer there at all."""
    there = {str(entry.ref) for entry in after.installations}
    for entry in before.installations:
        if str(entry.ref) not in there:
            why = tuple(entry.because)
            yield Change(str(entry.ref), "is no longer there", before=why)
    old = {(str(r.installation), r.name) for r in before.rules if r.enabled and r.state == "live"}
    new = {(str(r.installation), r.name) for r in after.rules}
    for owner, name in sorted(old - new):
        sentence = "rules that are no longer there: {}"
        yield Change(owner, f"no longer has the rule {name}", sentence=sentence, subject=name)


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
                text, why = f"alerts of the rule {rule} {words}", tuple(entry.delivery)
                sentence = f"rules whose alerts {words}: {{}}"
                yield Change(name, text, why, sentence=sentence, subject=rule)


def _noisy(before: Facts, after: Facts) -> Iterator[Change]:
    """Rules newly in force that raise alerts for what happens all the time."""
    known = {(str(rule.installation), rule.name) for rule in before.rules if rule.enabled}
    for one in after.ordinary:
        if (str(one.installation), one.rule) not in known:
            text = f"{one.rule} raises an alert: {one.title}"
            yield Change(str(one.installation), text, tuple(one.because))


def _scores(facts: Facts) -> _Scores:
    found: _Scores = {}
    for node in facts.nodes:
        words = "is watched" if node.state == "watched" else "is not watched"
        worse, better = "nodes that Falco no longer watches: {}", "nodes that Falco watches now: {}"
        score = _Score(_NODES[node.state], words, tuple(node.because), worse, better, node.ref.name)
        found[str(node.ref), "node"] = score
    for entry in facts.installations:
        for name, score in _of_installation(entry).items():
            _keep(found, (str(entry.ref), name), score)
    _rules(facts, found)
    return found


def _of_installation(entry: Installation) -> dict[str, _Score]:
    delivery, drops, rules = tuple(entry.delivery), tuple(entry.drops_because), tuple(entry.reasons)
    alerts = _delivery(entry.delivered)
    sentence = f"{{}} {alerts}"
    missed = f"events that it misses: {entry.drops}"
    told = f"events that {{}} misses: {entry.drops}"
    return {
        "delivery": _Score(_TRUTHS[entry.delivered], alerts, delivery, sentence, sentence),
        "drops": _Score(_DROPS[entry.drops], missed, drops, told, told),
        "rules": _Score(_RULES[entry.rules], f"its rules: {entry.rules}", rules),
    }


def _keep(found: _Scores, key: tuple[str, str], score: _Score) -> None:
    """Keep the weakest where a Falco is not the same on every node."""
    if key not in found or score.value < found[key].value:
        found[key] = score


def _delivery(truth: str) -> str:
    words: Mapping[str, str] = {"true": "delivers alerts", "false": "delivers alerts to nobody"}
    return words.get(truth, "may deliver alerts")


def _rules(facts: Facts, found: _Scores) -> None:
    for rule in facts.rules:
        in_force = rule.enabled and rule.state != "dead"
        words = f"the rule {rule.name} {'can' if in_force else 'cannot'} raise an alert"
        worse = "rules that can no longer raise an alert: {}"
        better = "rules that can raise an alert again: {}"
        score = _Score(int(in_force), words, (), worse, better, rule.name)
        _keep(found, (str(rule.installation), f"rule {rule.name}"), score)
    for one in facts.detections:
        words = f"{one.title} ({one.id}): {one.state}"
        worse = _LOST.get(one.state, "Falco may no longer notice: {}")
        score = _Score(
            _DETECTIONS[one.state], words, tuple(one.because), worse, "Falco notices: {}", one.title
        )
        _keep(found, (str(one.installation), f"detection {one.id}"), score)


_LOST = {
    "silent": "Falco no longer notices: {}",
    "hidden": "Falco hides behind another alert: {}",
}
