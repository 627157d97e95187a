# SPDX-License-Identifier: Apache-2.0
"""How much was evaluated, and what does a change make weaker or stronger?

The order is that of the levels: unknown < None < Metadata < Request < RequestResponse, for each
family and each API server, up to the level that the family needs; content that reaches the log
counts against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from kguard.model.facts.audit import AuditPolicy, Facts, Server
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Change, Comparison

_LEVELS = ("unknown", "None", "Metadata", "Request", "RequestResponse")
_RECORDING = ("off", "unknown", "on")

_ENOUGH = {"audit-log-maxage": 30, "audit-log-maxbackup": 10, "audit-log-maxsize": 100}
"""Limits above these (CIS 1.2.17 to 1.2.19) are not worth telling apart."""


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
    weaker += [Change(s.name, "it is no longer there, with all that it recorded") for s in gone]
    return Comparison(weaker=tuple(sorted(weaker)), stronger=tuple(sorted(stronger)))


def _changes(old: _Subject, new: _Subject) -> Iterator[tuple[bool, Change]]:
    """Each difference with whether it is an improvement."""
    if new.recording != old.recording:
        better = _RECORDING.index(new.recording) > _RECORDING.index(old.recording)
        text = f"recording is {new.recording} instead of {old.recording}"
        yield better, Change(new.name, text)
    for family, level in new.levels.items():
        earlier, floor = old.levels.get(family, level), new.floors[family]
        if min(_rank(level), _rank(floor)) != min(_rank(earlier), _rank(floor)):
            title = new.titles[family]
            text = f"{title}: recorded at {level} instead of {earlier}"
            yield _rank(level) > _rank(earlier), Change(new.name, text)
    for key in new.excesses.keys() - old.excesses.keys():
        yield False, Change(new.name, f"{new.excesses[key]} gets into the log")
    for key in old.excesses.keys() - new.excesses.keys():
        yield True, Change(new.name, f"{old.excesses[key]} stays out of the log")
    # A policy that hid operations hid noise with them: that it records more is what was asked for.
    whole = old.levels.get("writes", "None") != "None"
    for title, level in new.noise.items() if whole else ():
        if level not in ("None", "unknown") and old.noise.get(title) == "None":
            yield False, Change(new.name, f"{title}: recorded at {level}, and nobody misses them")
    for flag, value in new.limits.items():
        earlier_value = old.limits.get(flag, value)
        if -1 not in (value, earlier_value) and _size(flag, value) != _size(flag, earlier_value):
            text = f"{flag} is {_limit(value)} instead of {_limit(earlier_value)}"
            yield _size(flag, value) > _size(flag, earlier_value), Change(new.name, text)


def _subjects(facts: Facts) -> Iterator[_Subject]:
    policies = {policy.name: policy for policy in facts.policies}
    for server in facts.servers:
        policy = policies.get(server.policy_name) if server.recording == "on" else None
        limits: dict[str, int] = {entry.flag: entry.value for entry in server.retention}
        yield _subject(str(server.ref), server.recording, policy, limits)
    for policy in facts.policies:
        if not policy.servers:
            recording = "on" if policy.state == "valid" else "unknown"
            yield _subject(str(policy.ref), recording, policy, {})


def _subject(
    name: str, recording: str, policy: AuditPolicy | None, limits: dict[str, int]
) -> _Subject:
    families = policy.families if policy else []
    return _Subject(
        name,
        recording,
        {family.id: family.level for family in families},
        {family.id: family.floor for family in families},
        {family.id: family.title for family in families},
        _excesses(policy),
        limits,
        {one.title: one.level for one in policy.noise} if policy else {},
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
