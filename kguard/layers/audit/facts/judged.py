# SPDX-License-Identifier: Apache-2.0
"""What does an audit policy record, in facts: families, excesses, lints?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal

import msgspec

from kguard.layers.audit.facts.rights import Held, evidence
from kguard.layers.audit.facts.words import level_of, request_facts, rule_words
from kguard.layers.audit.semantics.coverage import (
    Coverage,
    Excess,
    FamilyCoverage,
    Hole,
    LimitCoverage,
    cover,
    unreachable_rules,
)
from kguard.layers.audit.semantics.loading import Loaded, load
from kguard.layers.audit.semantics.policy import Policy, UnknownField
from kguard.layers.audit.semantics.profile import DEFAULT, Own, Profile, edited
from kguard.layers.audit.semantics.recorded import STAGES, Recording, recorded
from kguard.layers.audit.semantics.resources import ANY_VERSION, Catalogue
from kguard.layers.audit.semantics.version import Version
from kguard.model.facts import audit as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

_REMEMBERED = 16
"""Policies whose regions are kept: a plan of remedies is judged many times over."""
_cover = lru_cache(_REMEMBERED)(cover)
_recorded = lru_cache(_REMEMBERED)(recorded)
_unreachable = lru_cache(_REMEMBERED)(unreachable_rules)


class Source(msgspec.Struct, frozen=True):
    """A policy document with the place it stands at."""

    ref: ObjectRef
    name: str
    value: Any
    id: str
    prefix: str = ""
    """JSON pointer of the document in its object."""
    inner: bool = True
    """Whether pointers into the document make sense (False for YAML inside of a string)."""
    built_in: str = ""
    """Who brings the policy along; empty for one of the input."""

    def place(self, pointer: str, note: str, role: str = "decides") -> Evidence:
        """Evidence at a place of the policy."""
        inside = pointer if self.inner else ""
        return Evidence(ref=self.id, pointer=self.prefix + inside, note=note, role=role)


def judge(
    source: Source,
    servers: Iterable[str],
    version: Version | None,
    groups: frozenset[str],
    rights: Iterable[Held] = (),
    profile: Profile = DEFAULT,
    served: Catalogue = ANY_VERSION,
) -> model.AuditPolicy:
    """The facts of one policy.

    Args:
        source: the policy document.
        servers: the names of the API servers that use it.
        version: of these servers.
        groups: the API groups that occur in the input.
        rights: the routes that bindings of the input open.
        profile: what must be recorded, and what must not.
        served: what these servers serve.
    """
    loaded = load(source.value, version)
    policy = loaded.policy if loaded.state != "invalid" else None
    covered = _cover(policy, profile, served) if policy is not None else None
    note = f"the policy that {source.built_in} writes" if source.built_in else "this audit policy"
    families = covered.families if covered else ()
    concerns = covered.concerns if covered else ()
    limits = covered.limits if covered else ()
    return model.AuditPolicy(
        ref=source.ref,
        name=source.name,
        origin="built-in" if source.built_in else "object",
        servers=sorted(servers),
        state=loaded.state,
        problems=[_problem(source, problem) for problem in _unique(loaded)],
        families=[_family(source, policy, found, groups) for found in families],
        concerns=[_family(source, policy, found, groups) for found in concerns],
        excesses=[fact for limit in limits for fact in _excesses(source, policy, limit)],
        lints=_lints(source, loaded, policy, served),
        recorded=[_recording(source, one) for one in (_recorded(policy, served) if policy else ())],
        because=[source.place("/rules", note, role="related")],
        unseen=_unseen(source, policy, families, rights),
        noise=_noise(covered, served) if covered else [],
    )


def _noise(covered: Coverage, served: Catalogue) -> list[model.Noise]:
    """Of groups that the server is known to have."""
    groups = served.groups | {group for group, *_ in served.custom}
    found = (one for one in covered.noise if one.noise.group in groups)
    return [model.Noise(one.noise.title, level_of(one.level or "unknown")) for one in found]


def profile_of(settings: model.Profile) -> Profile:
    """The profile that settings amount to."""
    own = [
        Own(
            one.id,
            one.title or f"requests of the family {one.id}",
            one.floor,
            tuple(one.groups),
            tuple(one.resources),
            tuple(one.verbs),
        )
        for one in settings.families
    ]
    return edited(settings.floors, settings.ceilings, own)


def _unseen(
    source: Source,
    policy: Policy | None,
    families: Iterable[FamilyCoverage],
    rights: Iterable[Held],
) -> list[model.Unseen]:
    """Who may impersonate others, while a rule that hides something is about him."""
    if policy is None:
        return []
    holes = [hole for family in families for hole in family.holes]
    hiding = sorted({h.rule for h in holes if h.level == "None" and h.cause == "level"} - {-1})
    found: dict[tuple[str, int], model.Unseen] = {}
    for one in rights:
        for index in hiding if one.route == "impersonate" else ():
            rule, subject = policy.rules[index], one.subject
            named = subject.user in rule.users if subject.user else False
            if named or any(group in rule.user_groups for group in subject.groups):
                note = f"nothing that {subject.name} sends under this rule is recorded"
                steps = [source.place(f"/rules/{index}", note), *evidence(one)]
                unseen = model.Unseen(subject.name, rule_words(rule), steps)
                found.setdefault((subject.name, index), unseen)
    return [found[key] for key in sorted(found)]


def _recording(source: Source, found: Recording) -> model.Recorded:
    level, rule = found.best[-1]
    note = f"the rule that records most of it says {level}"
    place = source.place(f"/rules/{rule}", note)
    if rule < 0:
        place = source.place("/rules", "no rule records it")
    return model.Recorded(
        resources=list(found.resources),
        verbs=list(found.verbs),
        levels={s: level_of(best.level) for s, best in zip(STAGES, found.best, strict=True)},
        because=[place],
    )


def _unique(loaded: Loaded) -> list[tuple[str, str]]:
    return list(dict.fromkeys((p.message, p.pointer) for p in loaded.problems))


def _problem(source: Source, problem: tuple[str, str]) -> model.Problem:
    message, pointer = problem
    return model.Problem(path=message, text=message, because=[source.place(pointer, message)])


def _family(
    source: Source, policy: Policy | None, found: FamilyCoverage, groups: frozenset[str]
) -> model.Family:
    family = found.family
    used = not family.groups or any(group in groups for group in family.groups)
    return model.Family(
        id=family.id,
        title=family.title,
        floor=level_of(family.floor),
        level=level_of(found.level or "unknown"),
        state=_state(found),
        in_use="true" if used else "false",
        holes=[_hole(source, policy, hole) for hole in found.holes],
        origin="own" if family.own else "built-in",
    )


def _state(found: FamilyCoverage) -> Literal["recorded", "hole", "unknown"]:
    if not found.level:
        return "unknown"
    return "hole" if found.holes else "recorded"


def _hole(source: Source, policy: Policy | None, hole: Hole) -> model.Hole:
    return model.Hole(
        rule=_rule(policy, hole.rule),
        level=level_of(hole.level),
        cause=hole.cause,
        witness=request_facts(hole.witness),
        because=[_decider(source, policy, hole)],
    )


def _decider(source: Source, policy: Policy | None, hole: Hole) -> Evidence:
    witness = request_facts(hole.witness).text
    if hole.rule < 0 or policy is None:
        return source.place("/rules", f"no rule matches, so it is not recorded: {witness}")
    if hole.cause == "stages":
        own = f"/rules/{hole.rule}/omitStages"
        place = own if policy.rules[hole.rule].omit_stages else "/omitStages"
        return source.place(place, f"the stages that prove it are left out: {witness}")
    return source.place(
        f"/rules/{hole.rule}", f"the first rule that matches says {hole.level}: {witness}"
    )


def _excesses(source: Source, policy: Policy | None, found: LimitCoverage) -> list[model.Excess]:
    return [_excess(source, policy, found, excess) for excess in found.excesses]


def _excess(
    source: Source, policy: Policy | None, found: LimitCoverage, excess: Excess
) -> model.Excess:
    witness = request_facts(excess.witness)
    note = f"the first rule that matches says {excess.level}: {witness.text}"
    return model.Excess(
        limit=found.limit.id,
        title=found.limit.title,
        rule=_rule(policy, excess.rule),
        level=level_of(excess.level),
        witness=witness,
        because=[source.place(f"/rules/{excess.rule}", note)],
    )


def _rule(policy: Policy | None, index: int) -> str:
    if policy is None or index < 0:
        return "no rule"
    return rule_words(policy.rules[index])


def _lints(
    source: Source, loaded: Loaded, policy: Policy | None, served: Catalogue
) -> list[model.Lint]:
    found = [_ignored(source, field) for field in loaded.ignored]
    if policy is None:
        return found
    for index, why in sorted(_unreachable(policy, served).items()):
        words = rule_words(policy.rules[index])
        text = _UNREACHABLE[why]
        because = [source.place(f"/rules/{index}", text)]
        found.append(model.Lint(kind=why, path=words, text=text, because=because))
    return [*found, *_not_served(source, policy, served)]


def _not_served(source: Source, policy: Policy, served: Catalogue) -> Iterator[model.Lint]:
    """Resources that are named under a group that does not have them."""
    told = set()
    for index, rule in enumerate(policy.rules):
        for number, entry in enumerate(rule.resources):
            for name in entry.resources:
                key = (entry.group, name)
                if served.serves(*key) or key in told:
                    continue
                told.add(key)
                group = entry.group or "the core group"
                who = "the API server" if served.live else "Kubernetes"
                text = f"{who} serves no {name} in {group}: no request matches it"
                place = f"/rules/{index}/resources/{number}/resources"
                because = [source.place(place, text)]
                yield model.Lint(
                    kind="not-served", path=f"{name} in {group}", text=text, because=because
                )


_UNREACHABLE = {
    "shadowed": "earlier rules decide everything that this rule is about",
    "never-matches": "no request matches this rule (a * stands for itself here)",
}


def _ignored(source: Source, field: UnknownField) -> model.Lint:
    where = "a rule" if field.rule >= 0 else "the policy"
    text = f"{field.name} is no field of {where}: the API server ignores it"
    path = f"{where}: {field.name}"
    because = [source.place(field.pointer, text)]
    return model.Lint(kind="ignored-field", path=path, text=text, because=because)
