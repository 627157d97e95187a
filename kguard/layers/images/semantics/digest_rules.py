# SPDX-License-Identifier: Apache-2.0
"""Does the API server itself refuse images that are named by tag?

Authority: kubernetes/api admissionregistration/v1 types.go (ValidatingAdmissionPolicy with its
bindings: a policy without one does nothing; `validationActions` of the binding, `failurePolicy` of
the policy, selectors of both). Whether an expression demands a digest is recognised by what it
looks for, `@sha256:` in the images of pods; what else it says is not evaluated. No signature is
demanded by it: that the API server cannot check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.layers.images.semantics.enforcement import Subject
from kguard.layers.images.semantics.matching import all_of, selects_pods
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import DigestRule
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

GROUP = "admissionregistration.k8s.io"
_MARK = "@sha256:"
_ORDER: tuple[DigestRule, ...] = ("enforced", "fail_open", "warn_only", "audit_only", "unknown")


class Rule(msgspec.Struct, frozen=True):
    """A policy that demands digests, as one binding applies it."""

    policy: Manifest
    binding: Manifest
    place: str
    """Where the expression stands."""


def rules(policies: Sequence[Manifest], bindings: Sequence[Manifest]) -> Iterator[Rule]:
    """Every policy that demands digests of pods, with every binding of it."""
    for policy in policies:
        place = _expression(policy)
        if place and _sees_pods(policy):
            for binding in bindings:
                if strings(binding.spec).get("policyName") == policy.name:
                    yield Rule(policy, binding, place)


def _expression(policy: Manifest) -> str:
    for index, entry in enumerate(sequence(policy.spec.get("validations"))):
        text = strings(entry).get("expression", "")
        if _MARK in text and "image" in text:
            return pointer("spec", "validations", index, "expression")
    return ""


def _sees_pods(policy: Manifest) -> bool:
    constraints = mapping(policy.spec.get("matchConstraints"))
    for rule in map(mapping, sequence(constraints.get("resourceRules"))):
        resources = {*map(str, sequence(rule.get("resources")))}
        operations = {*map(str, sequence(rule.get("operations")))}
        if {"pods", "*", "*/*"} & resources and {"CREATE", "*"} & operations:
            return True
    return False


def demanded(found: Sequence[Rule], subject: Subject) -> tuple[DigestRule, tuple[Evidence, ...]]:
    """The strictest rule about some pods, and where it stands."""
    answers = [_of(rule, subject) for rule in found]
    known = [(value, because) for value, because in answers if value != "none"]
    return min(known, key=lambda pair: _ORDER.index(pair[0]), default=("none", ()))


def _of(rule: Rule, subject: Subject) -> tuple[DigestRule, tuple[Evidence, ...]]:
    covers = _covers(rule, subject)
    if covers == "false":
        return "none", ()
    note = f"{rule.policy.ref}, bound by {rule.binding.ref}, demands digests"
    because = (Evidence(rule.policy.id, rule.place, note),)
    if covers == "unknown" or rule.policy.spec.get("matchConditions"):
        return "unknown", because
    return _action(rule), because


def _covers(rule: Rule, subject: Subject) -> Truth:
    constraints = mapping(rule.policy.spec.get("matchConstraints"))
    resources: JsonObject = mapping(rule.binding.spec.get("matchResources"))
    return all_of([selects_pods(constraints, subject), selects_pods(resources, subject)])


def _action(rule: Rule) -> DigestRule:
    actions = sequence(rule.binding.spec.get("validationActions"))
    if "Deny" in actions:
        return "fail_open" if rule.policy.spec.get("failurePolicy") == "Ignore" else "enforced"
    return "warn_only" if "Warn" in actions else "audit_only"
