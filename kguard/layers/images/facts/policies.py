# SPDX-License-Identifier: Apache-2.0
"""What do the enforcers' policies demand, and where does nobody look?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kguard.inventory import Inventory
from kguard.layers.images.facts.enforcers import subject_of
from kguard.layers.images.facts.uses import Use
from kguard.layers.images.semantics.digest_rules import GROUP, Rule, demanded, rules
from kguard.layers.images.semantics.enforcement import ImagePolicy, Installed, Pattern
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import NamespaceFact, PatternFact, PolicyFact
from kguard.model.manifests import ObjectRef


def policy_facts(uses: Sequence[Use], enforcers: Sequence[Installed]) -> list[PolicyFact]:
    """Every policy of every enforcer, by name."""
    images: dict[str, Use] = {use.image: use for use in uses if use.reference}
    count: dict[str, int] = {}
    for use in uses:
        count[use.image] = count.get(use.image, 0) + 1
    found = [
        _policy_fact(policy, images, count)
        for enforcer in enforcers
        for policy in enforcer.policies
    ]
    return sorted(found, key=lambda p: (p.enforcer, p.ref, p.rule))


def _policy_fact(policy: ImagePolicy, images: dict[str, Use], count: dict[str, int]) -> PolicyFact:
    return PolicyFact(
        ref=policy.ref,
        enforcer=policy.enforcer,
        rule=policy.rule,
        action=policy.action,
        fails_open="true" if policy.fails_open else "false",
        opened_by=policy.opened_by or policy.ref,
        trust=policy.trust,
        refused="true" if policy.refused else "false",
        patterns=[_pattern_fact(policy, p, images, count) for p in policy.patterns],
        action_because=list(policy.action_because),
        open_because=list(policy.open_because),
        trust_because=list(policy.trust_because),
        refused_because=list(policy.refused),
    )


def _pattern_fact(
    policy: ImagePolicy, pattern: Pattern, images: dict[str, Use], count: dict[str, int]
) -> PatternFact:
    matched = sum(
        count[image]
        for image, use in images.items()
        if use.reference and policy.matches(pattern, use.reference)
    )
    valid: Truth = "false" if pattern.dead else "true"
    words = f"matches {matched} images" if matched else "matches no image of the input"
    note = f"{pattern.text}: {pattern.dead}" if pattern.dead else f"{pattern.text} {words}"
    return PatternFact(pattern.text, valid, matched, [Evidence(policy.id, pattern.pointer, note)])


def namespace_facts(
    inventory: Inventory, uses: Sequence[Use], enforcers: Sequence[Installed]
) -> list[NamespaceFact]:
    """Every namespace in which pods run."""
    first: dict[str, list[Use]] = {}
    for use in uses:
        first.setdefault(use.workload.namespace, []).append(use)
    return [_namespace_fact(inventory, name, first[name], enforcers) for name in sorted(first)]


def _namespace_fact(
    inventory: Inventory, name: str, uses: list[Use], enforcers: Sequence[Installed]
) -> NamespaceFact:
    namespace = inventory.namespaces.get(name)
    manifest = namespace.manifest if namespace else None
    ref = manifest.ref if manifest else ObjectRef("v1", "Namespace", "", name)
    subject = subject_of(inventory, uses[0].workload)
    digests, digests_because = demanded(_digest_rules(inventory), subject)
    looked_at, because = _looked_at(inventory, uses, enforcers)
    if not enforcers:
        place = (manifest.id, "/metadata/name") if manifest else ("", "")
        because = [Evidence(*place, "no admission enforcer for image signatures is in the input")]
    return NamespaceFact(
        ref=ref,
        looked_at=looked_at,
        defined="true" if manifest else "false",
        images=len(uses),
        digests=digests,
        because=because,
        digests_because=list(digests_because),
    )


def _looked_at(
    inventory: Inventory, uses: Sequence[Use], enforcers: Sequence[Installed]
) -> tuple[Literal["true", "false", "unknown", "no_enforcer"], list[Evidence]]:
    """Whether some enforcer looks at some pods of a namespace; it may leave others out."""
    found: dict[Truth, list[Evidence]] = {}
    for use in uses:
        subject = subject_of(inventory, use.workload)
        first = not found
        for value, because in (enforcer.looks_at(subject) for enforcer in enforcers):
            if first or value not in found:
                found.setdefault(value, []).extend(because)
        if "true" in found:
            return "true", found["true"]
    for value in _FROM_BEST:
        if value in found:
            return value, found[value]
    return "no_enforcer", []


_FROM_BEST: tuple[Truth, ...] = ("unknown", "false")


def _digest_rules(inventory: Inventory) -> list[Rule]:
    policies = inventory.of("ValidatingAdmissionPolicy", GROUP)
    return list(rules(policies, inventory.of("ValidatingAdmissionPolicyBinding", GROUP)))
