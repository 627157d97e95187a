# SPDX-License-Identifier: Apache-2.0
"""Which edits close the holes of an audit policy?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts.judged import Source, profile_of
from kguard.layers.audit.facts.sources import candidates
from kguard.layers.audit.remedy.inline import holder_of, replaced, rewritten
from kguard.layers.audit.remedy.recommended import FILE_NAME, POLICY
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.mending import Mending, mend
from kguard.layers.audit.semantics.policy import Policy, Rule
from kguard.layers.audit.semantics.profile import Profile
from kguard.model.facts.audit import AuditPolicy
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import ObjectRef
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest, WriteFile

_CONCERNS = "audit/key-concerns"
_CONTENTS = "audit/contents-unrecorded"
_LIMITS = "audit/contents-in-log"


def new_policy(request: RemedyRequest) -> Iterator[Proposal]:
    """A policy to start with, where the input shows nothing about auditing."""
    closes = tuple(finding.fingerprint for finding in request.findings)
    why = "a policy without holes; the API server needs audit-policy-file and a backend as well"
    yield WriteFile(FILE_NAME, POLICY, closes, why)


def mend_policy(request: RemedyRequest) -> Iterator[Proposal]:
    """The smallest insertions in front of the rules that hide something."""
    known = {one.source.ref: one.source for one in candidates(request.inventory)}
    policies = {policy.ref: policy for policy in request.facts.policies}
    profile = profile_of(request.facts.profile)
    for ref, findings in _by_target(request.findings):
        policy, source = policies[ref], known.get(ref)
        if policy.origin == "object" and source is not None:
            yield _edit(policy, source, findings, profile)
        else:
            yield from _inside(request.inventory, policy, findings, profile)


def _inside(
    inventory: Inventory, policy: AuditPolicy, findings: list[Finding], profile: Profile
) -> Iterator[Proposal]:
    """Policies that are no documents of their own."""
    found = holder_of(inventory, policy)
    if found is None:
        yield _by_hand(findings)
        return
    configuration, file = found
    for group in _apart(findings) if file is None else [findings]:
        closes = tuple(finding.fingerprint for finding in group)
        value = configuration.built_in if file is None else file.value
        decoded = load(value).policy
        operations = _operations(policy, decoded, group, profile) if decoded else []
        if file is None:
            policies = frozenset(finding.policy for finding in group)
            yield replaced(inventory, configuration, operations, policies, closes)
        elif operations:
            yield rewritten(inventory, configuration, file, operations, closes)
        else:
            yield Cannot(closes, "no rule in front of another one closes it")


def _apart(findings: list[Finding]) -> list[list[Finding]]:
    """Findings about contents that are not recorded may need another answer than the rest."""
    contents = [finding for finding in findings if finding.policy == _CONTENTS]
    others = [finding for finding in findings if finding.policy != _CONTENTS]
    return [group for group in (others, contents) if group]


def _by_target(findings: Iterable[Finding]) -> list[tuple[ObjectRef, list[Finding]]]:
    found: dict[ObjectRef, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.target, []).append(finding)
    return sorted(found.items())


def _by_hand(findings: list[Finding]) -> Proposal:
    return Cannot(
        tuple(finding.fingerprint for finding in findings),
        "the policy is a text inside of another object",
        "insert the rules there by hand, or keep the policy in a file of its own",
    )


def _edit(
    facts: AuditPolicy, source: Source, findings: list[Finding], profile: Profile
) -> Proposal:
    closes = tuple(finding.fingerprint for finding in findings)
    policy = load(source.value).policy
    if policy is None:
        return Cannot(closes, "the policy cannot be decoded")
    operations = _operations(facts, policy, findings, profile)
    if not operations:
        return Cannot(closes, "no rule in front of another one closes it")
    why = "rules in front of the ones that hide something; every other decision stays as it is"
    return Edit(source.id, tuple(operations), closes, why)


def _operations(
    facts: AuditPolicy, policy: Policy, findings: list[Finding], profile: Profile
) -> list[Operation]:
    families, limits = _wanted(facts, findings)
    mending = mend(policy, families, limits, profile)
    return [*_stage_operations(policy, mending), *_insertions(mending)]


def _wanted(facts: AuditPolicy, findings: list[Finding]) -> tuple[frozenset[str], frozenset[str]]:
    """The families and limits that the findings are about."""
    families: set[str] = set()
    limits: set[str] = set()
    bodies = {f.id for f in facts.families if f.floor == "Request" and f.in_use == "true"}
    for finding in findings:
        if finding.policy == _LIMITS:
            limits.add(finding.path.partition(":")[0])
        elif finding.policy == _CONCERNS:
            families |= {family.id for family in facts.concerns}
        elif finding.policy == _CONTENTS:
            families |= bodies
        else:
            families.add(finding.path)
    if "writes" in families:
        # What becomes visible at all is recorded with its content where only that tells something.
        families |= bodies
    return frozenset(families), frozenset(limits)


def _stage_operations(policy: Policy, mending: Mending) -> Iterator[Operation]:
    yield from _kept(policy.omit_stages, "/omitStages", set(mending.kept_stages))
    for index in sorted({index for index, _ in mending.rule_stages}):
        dropped = {stage for place, stage in mending.rule_stages if place == index}
        place = pointer("rules", index, "omitStages")
        yield from _kept(policy.rules[index].omit_stages, place, dropped)
    for index in mending.authenticated_only:
        groups = ["system:authenticated", "system:unauthenticated"]
        yield Operation("add", pointer("rules", index, "userGroups"), groups)


def _kept(stages: tuple[str, ...], place: str, dropped: set[str]) -> Iterator[Operation]:
    if dropped and all(stage in dropped for stage in stages):
        yield Operation("remove", place)
        return
    for index in reversed(range(len(stages))):
        if stages[index] in dropped:
            yield Operation("remove", f"{place}/{index}")


def _insertions(mending: Mending) -> Iterator[Operation]:
    """From the last to the first, so that no insertion moves the place of the next."""
    for index in sorted(mending.insertions, reverse=True):
        for rule in reversed(mending.insertions[index]):
            yield Operation("add", pointer("rules", index), as_written(rule))


def as_written(rule: Rule) -> dict[str, Any]:
    """A rule as a policy file holds it."""
    found: dict[str, Any] = {"level": rule.level}
    for name, values in (
        ("users", rule.users),
        ("userGroups", rule.user_groups),
        ("verbs", rule.verbs),
        ("namespaces", rule.namespaces),
    ):
        if values:
            found[name] = list(values)
    if rule.resources:
        found["resources"] = [
            {
                "group": entry.group,
                **({"resources": list(entry.resources)} if entry.resources else {}),
                **({"resourceNames": list(entry.resource_names)} if entry.resource_names else {}),
            }
            for entry in rule.resources
        ]
    return found
