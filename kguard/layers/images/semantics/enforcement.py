# SPDX-License-Identifier: Apache-2.0
"""Would an admission enforcer refuse a pod for its image, independent of whether it is signed?

What the enforcers have in common: a policy *covers* some pods, *matches* some images, *acts* in
some way on a bad signature, and *trusts* somebody. All matching policies must be satisfied, so
that the strictest one counts; within a policy one authority suffices, so that the widest one
counts. Each enforcer's own rules are in the modules `policy_controller`, `kyverno`, `openshift`,
`gatekeeper`, `connaisseur` and `node_policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import Action, Enforcement, Enforcer, Trust
from kguard.model.manifests import ObjectRef

STRENGTH: Mapping[str, int] = {
    "enforced": 4,
    "fail_open": 3,
    "warn_only": 2,
    "audit_only": 1,
    "trivially_true": 0,
    "not_matched": 0,
    "not_selected": 0,
    "none": 0,
}
"""The partial order; `unknown` and `not_visible` are comparable with nothing."""

_TOLD = ("enforced", "fail_open", "warn_only", "audit_only", "unknown", "not_visible")
_PREFERENCE = (*_TOLD, "trivially_true", "not_matched", "not_selected", "none")
"""Of several enforcers, the one that says most about an image is reported."""


class Subject(msgspec.Struct, frozen=True):
    """The pods whose image is judged."""

    namespace: str
    namespace_labels: dict[str, str]
    namespace_known: bool
    """Whether the labels of the namespace are known."""
    labels: dict[str, str]
    """The pods' labels."""
    owner: ObjectRef
    """The object that makes the pods."""
    namespace_id: str = ""
    """`Manifest.id` of the Namespace, empty where it is not in the input."""
    owner_labels: dict[str, str] = {}
    """The labels of the owner itself."""


class Pattern(msgspec.Struct, frozen=True):
    """One image pattern of a policy, with its place."""

    text: str
    pointer: str
    dead: str = ""
    """Why it can match nothing; empty where it can."""


@dataclass(slots=True)
class ImagePolicy:
    """One policy (for Kyverno: one rule of it) about images."""

    enforcer: Enforcer
    id: str
    ref: ObjectRef
    patterns: tuple[Pattern, ...]
    matches: Callable[[Pattern, Reference], bool]
    covers: Callable[[Subject], Truth]
    action: Action
    trust: Trust
    fails_open: bool = False
    opened_by: ObjectRef | None = None
    """The object that decides about `fails_open`, where it is not the policy."""
    reader: str = ""
    """Which formats it reads: a row of `visibility`."""
    rule: str = ""
    excluded: tuple[Pattern, ...] = ()
    action_because: tuple[Evidence, ...] = ()
    trust_because: tuple[Evidence, ...] = ()
    open_because: tuple[Evidence, ...] = ()
    because: tuple[Evidence, ...] = ()
    refused: tuple[Evidence, ...] = ()
    """Why the enforcer's own admission refuses the policy, so that it is not in force."""
    opaque_patterns: bool = False
    """Whether it says by an expression which images it is about."""
    opaque: str = ""
    """Why the policy cannot be judged from its text (CEL, remote data); empty where it can."""

    def matching(self, reference: Reference) -> Pattern | None:
        """The first pattern that matches an image."""
        if any(self.matches(pattern, reference) for pattern in self.excluded):
            return None
        return next((p for p in self.patterns if self.matches(p, reference)), None)


@dataclass(slots=True)
class Installed:
    """One enforcer as far as the input shows it."""

    enforcer: Enforcer
    policies: Sequence[ImagePolicy]
    looks_at: Callable[[Subject], tuple[Truth, tuple[Evidence, ...]]]
    """Whether its webhook sees these pods at all."""
    unmatched: tuple[Enforcement, tuple[Evidence, ...]] = ("not_matched", ())
    """What happens to an image that no policy matches."""
    because: tuple[Evidence, ...] = field(default=())
    views: Callable[[Subject], Sequence[Subject]] = lambda subject: (subject,)
    """The objects on the way to the pods that are judged one by one: each can be refused."""


class Decision(msgspec.Struct, frozen=True):
    """What stands between one image and the cluster, and why."""

    enforcement: Enforcement
    enforcer: str = ""
    policy: str = ""
    """`Manifest.id` of the policy that decides."""
    reader: str = ""
    """Which formats that policy reads: a row of `visibility`."""
    rule: str = ""
    """The rule of the policy, where it has several."""
    because: tuple[Evidence, ...] = ()


def absent(
    enforcer: Enforcer, policies: Sequence[ImagePolicy], note: str, decides: str = ""
) -> Installed:
    """An enforcer whose policies are there but which is not asked.

    Args:
        enforcer: whose policies they are.
        policies: that nobody applies.
        note: why.
        decides: `Manifest.id` of the object that shows it.
    """
    because = (Evidence(decides, note=note),)
    return Installed(enforcer, policies, lambda _: ("false", because))


def decide(installed: Sequence[Installed], subject: Subject, reference: Reference) -> Decision:
    """The decision of the enforcer that says most about this image."""
    found = [_one(enforcer, subject, reference) for enforcer in installed]
    if not found:
        note = "no admission enforcer for image signatures is in the input"
        return Decision("none", because=(Evidence(note=note),))
    return min(found, key=lambda d: (_PREFERENCE.index(d.enforcement), d.enforcer))


def _one(enforcer: Installed, subject: Subject, reference: Reference) -> Decision:
    name = enforcer.enforcer
    looks, because = enforcer.looks_at(subject)
    if looks != "true":
        value: Enforcement = "not_selected" if looks == "false" else "unknown"
        return Decision(value, name, because=because)
    found = [_viewed(enforcer, view, reference) for view in enforcer.views(subject)]
    return min(found, key=lambda d: _PREFERENCE.index(d.enforcement))


def _viewed(enforcer: Installed, subject: Subject, reference: Reference) -> Decision:
    covering = [(p, p.covers(subject)) for p in enforcer.policies if not p.refused]
    matched = [
        (policy, sure, pattern)
        for policy, sure in covering
        if sure != "false" and (pattern := policy.matching(reference))
    ]
    if matched:
        return min(
            (_matched(*entry) for entry in matched),
            key=lambda d: (_PREFERENCE.index(d.enforcement), d.policy),
        )
    opaque = [p for p, sure in covering if sure != "false" and p.opaque_patterns]
    elsewhere = [p for p, sure in covering if sure == "false" and p.matching(reference)]
    return _unmatched(enforcer, opaque, elsewhere)


def _unmatched(
    enforcer: Installed, opaque: Sequence[ImagePolicy], elsewhere: Sequence[ImagePolicy]
) -> Decision:
    if opaque:
        because = tuple(
            Evidence(p.id, "", f"{p.ref} says by an expression which images it is about")
            for p in opaque
        )
        return Decision("unknown", enforcer.enforcer, opaque[0].id, because=because)
    value, because = enforcer.unmatched
    because = because or enforcer.because
    if elsewhere:
        because = tuple(
            Evidence(p.id, "", f"{p.ref} names the image, but does not cover these pods")
            for p in elsewhere
        )
    return Decision(value, enforcer.enforcer, because=because)


def _matched(policy: ImagePolicy, sure: Truth, pattern: Pattern) -> Decision:
    match = Evidence(policy.id, pattern.pointer, f"{policy.ref} matches it with {pattern.text}")
    value, because = _strength(policy)
    if sure == "unknown" or policy.opaque:
        why = policy.opaque or "whether it covers these pods is not known"
        value, because = "unknown", (Evidence(policy.id, "", why),)
    because = (*because, match)
    return Decision(value, policy.enforcer, policy.id, policy.reader, policy.rule, because)


def _strength(policy: ImagePolicy) -> tuple[Enforcement, tuple[Evidence, ...]]:
    if policy.trust == "everyone":
        return "trivially_true", policy.trust_because
    if policy.action != "enforce":
        value: Enforcement = "warn_only" if policy.action == "warn" else "audit_only"
        return value, policy.action_because
    if policy.fails_open:
        return "fail_open", policy.open_because
    return "enforced", policy.action_because
