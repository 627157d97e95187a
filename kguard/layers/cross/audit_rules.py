# SPDX-License-Identifier: Apache-2.0
"""Can Falco's rules about audit events ever fire under the audit policy that is in force?

A rule reads events of some verbs, resources and stages, and perhaps the bodies of requests. If
the API server records none of these requests at these stages and with these bodies, for whichever
user, the rule is starved: it loads, is enabled, and never fires.
"""

from __future__ import annotations

from kguard.model.facts import audit, cross, runtime

_LEVELS = ("None", "Metadata", "Request", "RequestResponse")
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete")
_ANY = "*"
_SHOWN = 3
"""Verbs and resources that are named."""


def audit_rules(falco: runtime.Facts, server: audit.Facts) -> list[cross.AuditRule]:
    """Every pair of a rule about audit events and an audit policy that is in use.

    Where the input shows no API server, every audit policy of it counts.
    """
    valid = [policy for policy in server.policies if policy.state != "invalid"]
    policies = [policy for policy in valid if policy.servers] if server.servers else valid
    found = [_pair(rule, policy) for rule in falco.audit_rules for policy in policies]
    return sorted(found, key=lambda pair: (pair.ref, pair.rule, pair.policy))


def _pair(rule: runtime.AuditRule, policy: audit.AuditPolicy) -> cross.AuditRule:
    listed = {name.partition("/")[0] for row in policy.recorded for name in row.resources} - {_ANY}
    read = [row for row in policy.recorded if _concerns(rule, row, listed)]
    stages = _stages(rule)
    best = max(read, key=lambda row: _highest(row, stages), default=None)
    finds = _LEVELS[_highest(best, stages)] if best else "unknown"
    known = best is not None and policy.state == "valid"
    starved = known and _LEVELS.index(finds) < _LEVELS.index(rule.level)
    return cross.AuditRule(
        ref=rule.installation,
        rule=rule.name,
        policy=policy.name,
        state="starved" if starved else "fed" if known else "unknown",
        needs=rule.level,
        finds=finds,  # type: ignore[arg-type]  # one of _LEVELS
        stages=stages,
        about=_about(rule),
        because=[*(best.because if best else policy.because), *rule.because],
    )


def _stages(rule: runtime.AuditRule) -> list[str]:
    return list(_STAGES) if _ANY in rule.stages else rule.stages


def _highest(row: audit.Recorded, stages: list[str]) -> int:
    return max((_LEVELS.index(row.levels[s]) for s in stages if row.levels.get(s)), default=0)


def _concerns(rule: runtime.AuditRule, row: audit.Recorded, listed: set[str]) -> bool:
    verbs = _ANY in rule.verbs or bool({*rule.verbs} & {*row.verbs})
    return verbs and any(_names(rule, resource, listed) for resource in row.resources)


def _names(rule: runtime.AuditRule, recorded: str, listed: set[str]) -> bool:
    """Whether the rule may be about a recorded resource.

    A name that Kubernetes itself serves stands for its resource, not for one of the same name in
    a custom group.
    """
    if recorded == "":
        return recorded in rule.resources
    if recorded == _ANY:
        return bool({*rule.resources} - listed)
    resource, _, subresource = recorded.partition("/")
    if resource not in rule.resources and _ANY not in rule.resources:
        return False
    return subresource in rule.subresources or (subresource != "" and _ANY in rule.subresources)


def _about(rule: runtime.AuditRule) -> str:
    verbs = "requests for" if _ANY in rule.verbs else _some(rule.verbs)
    subresources = [name for name in rule.subresources if name not in ("", _ANY)]
    if _ANY in rule.resources:
        return f"{verbs} {_some(subresources) if subresources else 'everything'}"
    if "" not in rule.subresources and subresources:
        both = (f"{name}/{sub}" for name in rule.resources if name for sub in subresources)
        return f"{verbs} {_some(list(both))}"
    return f"{verbs} {_some([name for name in rule.resources if name])}"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
