# SPDX-License-Identifier: Apache-2.0
"""How much was evaluated, and what does a change make weaker or stronger?

The order is that of the levels: unknown < None < Metadata < Request < RequestResponse, for each
family and each API server, up to the level that the family needs; content that reaches the log
counts against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kguard.model.facts.audit import AuditPolicy, Facts, Server
from kguard.model.facts.common import Evidence
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Change, Comparison
from kguard.model.manifests import ObjectRef

_LEVELS = ("unknown", "None", "Metadata", "Request", "RequestResponse")
_RECORDING = ("off", "unknown", "on")

_ENOUGH = {"audit-log-maxage": 30, "audit-log-maxbackup": 10, "audit-log-maxsize": 100}
"""Limits above these (CIS 1.2.17 to 1.2.19) are not worth telling apart."""


_Why = dict[str, tuple[Evidence, ...]]


class _Subject(NamedTuple):
    """What is recorded where: an API server's effect, or a policy that none of them uses."""

    name: str
    recording: str
    levels: dict[str, str]
    floors: dict[str, str]
    titles: dict[str, str]
    excesses: dict[tuple[str, str], str]
    limits: dict[str, int]
    noise: dict[str, str]
    words: str
    because: _Why
    """What decides, by family, limit, `recording` and rule of an excess."""


def coverage(facts: Facts) -> LayerCoverage:
    """How many API servers (or, without any, audit policies) were judged."""
    if facts.presence == "absent":
        return LayerCoverage("no_evidence", 0, 0, "API servers")
    if not facts.servers:
        judged = sum(policy.state != "unknown" for policy in facts.policies)
        whole = judged > 0 and judged == len(facts.policies)
        state: Literal["evaluated", "unknown"] = "evaluated" if whole else "unknown"
        return LayerCoverage(state, judged, len(facts.policies), "audit policies")
    known = sum(_known(server) for server in facts.servers)
    total = len(facts.servers)
    if known == total:
        return LayerCoverage("evaluated", known, total, "API servers")
    return LayerCoverage("unknown", known, total, "API servers")


def _known(server: Server) -> bool:
    """Whether it is known that and what it records; counters alone do not show the latter."""
    return server.recording == "off" or (server.recording == "on" and server.policy != "unknown")


def compare(before: Facts, after: Facts) -> Comparison:
    """Differences of what is recorded."""
    earlier = {subject.name: subject for subject in _subjects(before)}
    weaker: list[Change] = []
    stronger: list[Change] = []
    for subject in _subjects(after):
        old = earlier.get(subject.name)
        if old is not None:
            for better, change in _changes(old, subject):
                (stronger if better else weaker).append(change)
    kept = {subject.name for subject in _subjects(after)}
    gone = [s for s in earlier.values() if s.name not in kept and s.recording == "on"]
    weaker += [
        replace(
            _change(s, None, "recording", "it is no longer there, with all that it recorded"),
            sentence="{} is no longer there, with all that it recorded",
            subject=s.words,
        )
        for s in gone
    ]
    return Comparison(weaker=tuple(sorted(weaker)), stronger=tuple(sorted(stronger)))


def _change(
    new: _Subject, old: _Subject | None, key: str, text: str, sentence: str = "", subject: str = ""
) -> Change:
    """A change with the evidence of both sides; a subject alone is what the sentence is about."""
    return Change(
        new.name,
        text,
        new.because.get(key, ()),
        old.because.get(key, ()) if old else (),
        sentence=sentence,
        subject=subject,
    )


def _changes(old: _Subject, new: _Subject) -> Iterator[tuple[bool, Change]]:
    """Each difference with whether it is an improvement."""
    if new.recording != old.recording:
        better = _RECORDING.index(new.recording) > _RECORDING.index(old.recording)
        text = f"recording is {new.recording} instead of {old.recording}"
        sentence = f"audit logging of {{}} is {new.recording}, no longer {old.recording}"
        yield better, _change(new, old, "recording", text, sentence, new.words)
    yield from _levels(old, new)
    for key in new.excesses.keys() - old.excesses.keys():
        title = new.excesses[key]
        yield False, _change(new, old, key[1], f"{title} gets into the log", _INTO_LOG, title)
    for key in old.excesses.keys() - new.excesses.keys():
        title = old.excesses[key]
        yield True, _change(new, old, key[1], f"{title} stays out of the log", _OUT_OF_LOG, title)
    # A policy that hid operations hid noise with them: that it records more is what was asked for.
    whole = old.levels.get("writes", "None") != "None"
    for title, level in new.noise.items() if whole else ():
        if level not in ("None", "unknown") and old.noise.get(title) == "None":
            text = f"{title}: recorded at {level}, and nobody misses them"
            sentence = "recorded now, although nobody misses them: {}"
            yield False, _change(new, old, title, text, sentence, title)
    yield from _limits(old, new)


_INTO_LOG = "gets into the audit log: {}"
_OUT_OF_LOG = "stays out of the audit log: {}"


def _levels(old: _Subject, new: _Subject) -> Iterator[tuple[bool, Change]]:
    """Families that are recorded at another level, as far as they need it."""
    for family, level in new.levels.items():
        earlier, floor = old.levels.get(family, level), new.floors[family]
        if min(_rank(level), _rank(floor)) != min(_rank(earlier), _rank(floor)):
            title = new.titles[family]
            text = f"{title}: recorded at {level} instead of {earlier}"
            sentence = (
                "no longer recorded: {}"
                if level == "None"
                else f"recorded at {level} instead of {earlier}: {{}}"
            )
            change = _change(new, old, family, text, sentence, title)
            yield _rank(level) > _rank(earlier), change


def _limits(old: _Subject, new: _Subject) -> Iterator[tuple[bool, Change]]:
    for flag, value in new.limits.items():
        earlier = old.limits.get(flag, value)
        if -1 not in (value, earlier) and _size(flag, value) != _size(flag, earlier):
            text = f"{flag} is {_limit(value)} instead of {_limit(earlier)}"
            sentence = f"{flag} of {{}} is {_limit(value)} instead of {_limit(earlier)}"
            change = _change(new, old, flag, text, sentence, new.words)
            yield _size(flag, value) > _size(flag, earlier), change


def _subjects(facts: Facts) -> Iterator[_Subject]:
    policies = {policy.name: policy for policy in facts.policies}
    for server in facts.servers:
        policy = policies.get(server.policy_name) if server.recording == "on" else None
        limits: dict[str, int] = {entry.flag: entry.value for entry in server.retention}
        why: _Why = {entry.flag: tuple(entry.because) for entry in server.retention}
        why["recording"] = tuple(server.because)
        yield _subject(server.ref, server.recording, policy, limits, why)
    for policy in facts.policies:
        if not policy.servers:
            recording = "on" if policy.state == "valid" else "unknown"
            why = {"recording": tuple(policy.because)}
            yield _subject(policy.ref, recording, policy, {}, why)


def _subject(
    ref: ObjectRef,
    recording: str,
    policy: AuditPolicy | None,
    limits: dict[str, int],
    why: _Why,
) -> _Subject:
    families = policy.families if policy else []
    because = dict(why)
    for family in families:
        because[family.id] = tuple(e for hole in family.holes for e in hole.because)
    for excess in policy.excesses if policy else ():
        because[excess.rule] = tuple(excess.because)
    return _Subject(
        str(ref),
        recording,
        {family.id: family.level for family in families},
        {family.id: family.floor for family in families},
        {family.id: family.title for family in families},
        _excesses(policy),
        limits,
        {one.title: one.level for one in policy.noise} if policy else {},
        str(ref).strip(),
        because,
    )


def _excesses(policy: AuditPolicy | None) -> dict[tuple[str, str], str]:
    found = policy.excesses if policy else []
    return {(excess.limit, excess.rule): excess.title for excess in found}


def _rank(level: str) -> int:
    return _LEVELS.index(level)


def _size(flag: str, value: int) -> int:
    """A limit as far as it matters; 0 stands for no limit."""
    return _ENOUGH[flag] if value == 0 else min(value, _ENOUGH[flag])


def _limit(value: int) -> str:
    return str(value) if value else "without limit"
