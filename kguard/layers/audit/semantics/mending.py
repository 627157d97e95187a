# SPDX-License-Identifier: Apache-2.0
"""What is the smallest change of a policy that closes its holes?

Authority: the first rule that matches decides (k8s.io/apiserver pkg/audit/policy/checker.go). A
rule that is put directly in front of the offending one and carries its conditions as well takes
requests from that rule only: every other decision stays as it is. Since everybody is in
`system:authenticated` or `system:unauthenticated`, a rule that names both decides the same
requests as before, except those of failed logins, which carry no groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from kguard.layers.audit.semantics.coverage import PROOF, cover, cover_family, newly_loud
from kguard.layers.audit.semantics.evaluate import resource_matches
from kguard.layers.audit.semantics.families import (
    ANY,
    FAILED_LOGINS,
    NOISE,
    UNMANAGED,
    Family,
    Limit,
    Noise,
    Select,
)
from kguard.layers.audit.semantics.policy import LEVELS, GroupResources, Policy, Rule
from kguard.layers.audit.semantics.profile import DEFAULT, Profile
from kguard.layers.audit.semantics.region import RegionTooLargeError
from kguard.layers.audit.semantics.resources import READS, WRITES
from kguard.layers.audit.semantics.space import AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED

_VERBS = (*READS, *WRITES)
_EVERYBODY = (AUTHENTICATED, UNAUTHENTICATED)


class Mending(NamedTuple):
    """Changes of a policy; indexes are those of the policy as it was."""

    insertions: dict[int, tuple[Rule, ...]]
    """Rules to put in front of the rule of an index (its length: at the end)."""
    kept_stages: tuple[str, ...]
    """Stages that the policy must no longer leave out."""
    rule_stages: tuple[tuple[int, str], ...]
    """Stages that single rules must no longer leave out."""
    authenticated_only: tuple[int, ...]
    """Rules that must name the groups of everybody, so that they miss failed logins."""


def mend(
    policy: Policy,
    families: frozenset[str],
    limits: frozenset[str],
    profile: Profile = DEFAULT,
) -> Mending:
    """What closes the holes of these families and keeps the content of these limits out."""
    plan = _Plan(policy, profile)
    plan.keep_out(limits)
    plan.raise_to_floors(families)
    if FAILED_LOGINS.id in families:
        plan.catch_failed_logins()
    return plan.mending()


class _Plan:
    """What is to be changed, as it is found out."""

    def __init__(self, policy: Policy, profile: Profile) -> None:
        self.policy = policy
        self.profile = profile
        self.coverage = cover(policy, profile)
        self.rules: dict[int, list[Rule]] = {}
        self.kept_stages: dict[str, None] = {}
        self.rule_stages: dict[tuple[int, str], None] = {}
        self.authenticated_only: set[int] = set()
        self.tail: tuple[Rule, ...] = ()

    def mending(self) -> Mending:
        """All changes, with what keeps noise out of the log that was not in it."""
        plain = self._mending({})
        quiet: dict[int, list[Rule]] = {}
        try:
            loud = newly_loud(self.policy, mended(self.policy, plain))
        except RegionTooLargeError:
            loud = [(index, noise) for index in self.rules for noise in NOISE]
        for index, noise in loud:
            place = index if index >= 0 else len(self.policy.rules)
            quiet.setdefault(place, []).extend(_noise_rule(_rule_at(self.policy, place), noise))
        return self._mending(quiet) if quiet else plain

    def _mending(self, quiet: dict[int, list[Rule]]) -> Mending:
        last = len(self.policy.rules)
        insertions = {
            index: (
                *_events(self.policy, index, rules),
                *quiet.get(index, ()),
                *_ordered(rules, _rule_at(self.policy, index).resources),
            )
            for index in sorted({*self.rules, *quiet})
            if (rules := self.rules.get(index, [])) or index in quiet
        }
        if self.tail:
            insertions[last] = (*insertions.get(last, ()), *self.tail)
        return Mending(
            insertions,
            tuple(self.kept_stages),
            tuple(self.rule_stages),
            tuple(sorted(self.authenticated_only)),
        )

    def keep_out(self, limits: frozenset[str]) -> None:
        for found in self.coverage.limits:
            if found.limit.id in limits:
                for excess in found.excesses:
                    guards = _guards(self.policy, excess.rule, found.limit)
                    self.rules.setdefault(excess.rule, []).extend(guards)

    def raise_to_floors(self, families: frozenset[str]) -> None:
        for found in (*self.coverage.families, *self.coverage.concerns):
            if found.family.id not in families or found.family.id == FAILED_LOGINS.id:
                continue
            for hole in found.holes:
                index = hole.rule if hole.rule >= 0 else len(self.policy.rules)
                if hole.cause == "stages" or self._hides(found.family):
                    self._keep("ResponseComplete", index)
                level = _rule_at(self.policy, index).level
                if LEVELS.index(level) < LEVELS.index(found.family.floor):
                    if found.family.wide:
                        self.rules.setdefault(index, []).extend(
                            self._caps(index, found.family.floor)
                        )
                    raised = _raised(self.policy, index, found.family)
                    self.rules.setdefault(index, []).extend(raised)

    def _caps(self, index: int, floor: str) -> Iterator[Rule]:
        """Rules that keep limited contents out of a rule that is raised for everything."""
        for select in (select for limit in self.profile.limits for select in limit.selects):
            if LEVELS.index(select.ceiling) < LEVELS.index(floor):
                yield from _narrowed(_rule_at(self.policy, index), select, select.ceiling)

    def catch_failed_logins(self) -> None:
        """Rule by rule from the first: each change uncovers the next rule that hides them."""
        if self._hides(FAILED_LOGINS):
            self.kept_stages["ResponseStarted"] = None
        for _ in range(2 * len(self.policy.rules) + 1):
            trial = mended(self.policy, self.mending()._replace(insertions={}))
            holes = cover_family(trial, FAILED_LOGINS)[0].holes
            inside = [hole for hole in holes if hole.rule >= 0]
            for hole in inside:
                if hole.cause == "stages":
                    self._keep("ResponseStarted", hole.rule)
                else:
                    self.authenticated_only.add(hole.rule)
            if not inside:
                self.tail = _last_rules(trial) if holes else ()
                return

    def _hides(self, family: Family) -> bool:
        """Whether no rule can prove requests of the family, for the stages the policy omits."""
        return set(PROOF[family.ending]) <= set(self.policy.omit_stages)

    def _keep(self, stage: str, index: int) -> None:
        if stage in self.policy.omit_stages:
            self.kept_stages[stage] = None
        if stage in _rule_at(self.policy, index).omit_stages:
            self.rule_stages[index, stage] = None


def _last_rules(policy: Policy) -> tuple[Rule, ...]:
    """Rules for failed logins that nothing matches; everybody else stays unrecorded there."""
    silence = Rule(level="None", user_groups=_EVERYBODY)
    guard = () if policy.rules[-1] == silence else (silence,)
    return (*guard, Rule(level="Metadata"))


def mended(policy: Policy, mending: Mending) -> Policy:
    """The policy with the changes."""
    rules: list[Rule] = []
    inserted = mending.insertions
    for index, rule in enumerate(policy.rules):
        rules += inserted.get(index, ())
        dropped = {stage for place, stage in mending.rule_stages if place == index}
        stages = tuple(stage for stage in rule.omit_stages if stage not in dropped)
        groups = _EVERYBODY if index in mending.authenticated_only else rule.user_groups
        rules.append(msgspec.structs.replace(rule, omit_stages=stages, user_groups=groups))
    rules += inserted.get(len(policy.rules), ())
    stages = tuple(stage for stage in policy.omit_stages if stage not in mending.kept_stages)
    return msgspec.structs.replace(policy, rules=tuple(rules), omit_stages=stages)


def _rule_at(policy: Policy, index: int) -> Rule:
    """The offending rule; the unconditional default where no rule matches."""
    return policy.rules[index] if index < len(policy.rules) else Rule(level="None")


def _raised(policy: Policy, index: int, family: Family) -> Iterator[Rule]:
    """Rules that record a family's share of the offending rule at its floor."""
    for select in family.selects:
        yield from _narrowed(_rule_at(policy, index), select, family.floor)


def _guards(policy: Policy, index: int, limit: Limit) -> Iterator[Rule]:
    """Rules that record the limited requests of the offending rule without their content."""
    places = dict.fromkeys(s._replace(verbs=(), ceiling="") for s in limit.selects)
    for select in places:
        yield from _narrowed(_rule_at(policy, index), select, "Metadata")


def _narrowed(rule: Rule, select: Select, level: str) -> Iterator[Rule]:
    """The rule with another level, narrowed to a selection; nothing where they have no common."""
    verbs = tuple(verb for verb in _VERBS if verb in (select.verbs or rule.verbs))
    if rule.verbs:
        verbs = tuple(verb for verb in verbs if verb in rule.verbs)
        if not verbs:
            return
    resources = rule.resources
    if ANY not in select.groups:
        resources = _common(rule.resources, _entries(select))
        if not resources:
            return
    yield msgspec.structs.replace(
        rule, level=level, verbs=verbs, resources=resources, non_resource_urls=(), omit_stages=()
    )


def _entries(select: Select) -> tuple[GroupResources, ...]:
    """A selection as a rule writes it."""
    names: list[str] = []
    if ANY not in select.resources:
        for resource in select.resources:
            names += [f"{resource}/{sub}" if sub else resource for sub in select.subresources]
    return tuple(GroupResources(group, tuple(names)) for group in select.groups)


def _common(
    rule: tuple[GroupResources, ...], wanted: tuple[GroupResources, ...]
) -> tuple[GroupResources, ...]:
    """What the resources of a rule (none: all) and those that are wanted have in common."""
    if not rule:
        return wanted
    found = []
    for entry in rule:
        for want in wanted:
            if entry.group not in (want.group, ANY):
                continue
            if not want.resources or not entry.resources:
                names = entry.resources or want.resources
            else:
                names = tuple(name for name in want.resources if _matched(entry, name))
                if not names:
                    continue
            found.append(GroupResources(want.group, names, entry.resource_names))
    return tuple(found)


def _matched(entry: GroupResources, name: str) -> bool:
    resource, _, subresource = name.partition("/")
    return any(resource_matches(spec, resource, subresource) for spec in entry.resources)


def _ordered(rules: list[Rule], whole: tuple[GroupResources, ...]) -> list[Rule]:
    """Guards first, then higher levels first, joined where only the resources differ.

    Rules about all resources of the offending rule (`whole`) come after narrower ones.
    """
    joined: dict[Rule, list[Rule]] = {}
    for rule in rules:
        joined.setdefault(msgspec.structs.replace(rule, resources=()), []).append(rule)
    every = [_joined(frame, members) for frame, members in joined.items()]
    found = [rule for rule in every if not any(_covers(other, rule) for other in every)]
    return sorted(
        found,
        key=lambda rule: (
            bool(rule.verbs),
            rule.resources == whole,
            -LEVELS.index(rule.level),
        ),
    )


def _covers(other: Rule, rule: Rule) -> bool:
    """Whether a rule makes another one superfluous."""
    if other is rule or other.level != rule.level:
        return False
    if other.verbs and not (rule.verbs and set(rule.verbs) <= set(other.verbs)):
        return False
    if other.resources and not rule.resources:
        return False
    names = {(entry.group, entry.resource_names): set(entry.resources) for entry in other.resources}
    return not names or all(
        set(entry.resources) <= names.get((entry.group, entry.resource_names), set())
        and bool(entry.resources)
        for entry in rule.resources
    )


def _joined(frame: Rule, members: list[Rule]) -> Rule:
    """One rule for all resources of the members; for all of them, if one names none."""
    if any(not rule.resources for rule in members):
        return frame
    names: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    whole = set()
    for entry in (entry for rule in members for entry in rule.resources):
        key = (entry.group, entry.resource_names)
        names.setdefault(key, {}).update(dict.fromkeys(entry.resources))
        if not entry.resources:
            whole.add(key)
    resources = tuple(
        GroupResources(group, () if (group, only) in whole else tuple(found), only)
        for (group, only), found in names.items()
    )
    return msgspec.structs.replace(frame, resources=resources)


def _events(policy: Policy, index: int, rules: list[Rule]) -> Iterator[Rule]:
    """A rule that keeps events, which are no operations, out of a log that did not hold them."""
    offending = _rule_at(policy, index)
    wide = [rule for rule in rules if not rule.resources or rule.resources == offending.resources]
    if offending.level != "None" or not any("create" in rule.verbs for rule in wide):
        return
    events = tuple(GroupResources(group, (name,)) for group, name in sorted(UNMANAGED))
    resources = _common(offending.resources, events)
    if resources:
        yield msgspec.structs.replace(
            offending, resources=resources, non_resource_urls=(), omit_stages=()
        )


def _noise_rule(offending: Rule, noise: Noise) -> Iterator[Rule]:
    users = tuple(user for user in noise.users if not offending.users or user in offending.users)
    groups = offending.user_groups
    if noise.user_groups:
        held = tuple(group for group in noise.user_groups if _implied(group, offending))
        if not held:
            return
        users, groups = offending.users, held
    else:
        users = tuple(user for user in users if not groups or _member(user, groups))
        if not users:
            return
    verbs = tuple(v for v in noise.verbs if not offending.verbs or v in offending.verbs)
    resources = _common(offending.resources, (GroupResources(noise.group, noise.resources),))
    spaces = offending.namespaces
    namespaces = tuple(n for n in noise.namespaces if not spaces or n in spaces)
    if verbs and resources and namespaces:
        yield Rule(
            level="None",
            users=users,
            user_groups=groups,
            verbs=verbs,
            resources=resources,
            namespaces=namespaces,
        )


def _implied(group: str, offending: Rule) -> bool:
    """Whether the members of a group are members of one that the rule names."""
    named = offending.user_groups
    account = group.startswith(f"{SERVICE_ACCOUNTS}:") and SERVICE_ACCOUNTS in named
    return not named or group in named or account or AUTHENTICATED in named


def _member(user: str, groups: tuple[str, ...]) -> bool:
    account = user.startswith("system:serviceaccount:")
    return AUTHENTICATED in groups or (account and SERVICE_ACCOUNTS in groups)
