# SPDX-License-Identifier: Apache-2.0
"""At which level, with which stages left out, is a request recorded?

Authority: k8s.io/apiserver pkg/audit/policy/checker.go (`EvaluatePolicyRule`, `ruleMatches`,
`ruleMatchesResource`, `pathMatches`) and util.go. Everything is compared literally: `*` is no
wildcard for users, groups, verbs and namespaces. `pods/*` also matches plain `pods`.
"""

from __future__ import annotations

import msgspec

from kguard.layers.audit.semantics.policy import GroupResources, Policy, Rule


class Attributes(msgspec.Struct, frozen=True, omit_defaults=False, rename="camel"):
    """What the API server knows of a request before it authorizes it.

    `user` is None for a request whose authentication failed (and for one with a bad `timeout`).
    """

    user: str | None = None
    groups: tuple[str, ...] = ()
    verb: str = ""
    resource_request: bool = True
    path: str = ""
    api_group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class Decision(msgspec.Struct, frozen=True, rename="camel"):
    """How the request is recorded, and by which rule (-1: no rule matched)."""

    level: str
    omit_stages: tuple[str, ...]
    omit_managed_fields: bool
    rule: int


def evaluate(policy: Policy, request: Attributes) -> Decision:
    """The decision of the first rule that matches."""
    for index, rule in enumerate(policy.rules):
        if matches(rule, request):
            own = rule.omit_managed_fields
            omit = policy.omit_managed_fields if own is None else own
            return Decision(rule.level, effective_omit_stages(policy, rule), omit, index)
    return Decision("None", tuple(sorted(policy.omit_stages)), policy.omit_managed_fields, -1)


def effective_omit_stages(policy: Policy, rule: Rule) -> tuple[str, ...]:
    """The union of what the policy and the rule leave out, sorted."""
    return tuple(sorted({*policy.omit_stages, *rule.omit_stages}))


def matches(rule: Rule, request: Attributes) -> bool:
    """Whether a rule is about a request."""
    if rule.users and request.user not in rule.users:
        return False
    if rule.user_groups and not _in_groups(rule, request):
        return False
    if rule.verbs and request.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return request.resource_request and _resource_matches(rule, request)
    if rule.non_resource_urls:
        return not request.resource_request and any(
            path_matches(request.path, spec) for spec in rule.non_resource_urls
        )
    return True


def _in_groups(rule: Rule, request: Attributes) -> bool:
    return request.user is not None and any(g in rule.user_groups for g in request.groups)


def _resource_matches(rule: Rule, request: Attributes) -> bool:
    if rule.namespaces and request.namespace not in rule.namespaces:
        return False
    return not rule.resources or any(_entry_matches(entry, request) for entry in rule.resources)


def _entry_matches(entry: GroupResources, request: Attributes) -> bool:
    if entry.group not in (request.api_group, "*"):
        return False
    if not entry.resources:
        return True
    if entry.resource_names and request.name not in entry.resource_names:
        return False
    return any(
        resource_matches(spec, request.resource, request.subresource) for spec in entry.resources
    )


def resource_matches(spec: str, resource: str, subresource: str) -> bool:
    """Whether a string of a rule's `resources` is about a resource."""
    combined = f"{resource}/{subresource}" if subresource else resource
    return (
        spec in ("*", combined)
        or (bool(subresource) and spec == f"*/{subresource}")
        or spec == f"{resource}/*"
    )


def path_matches(path: str, spec: str) -> bool:
    """Whether a string of a rule's `nonResourceURLs` is about a path."""
    return spec in ("*", path) or (spec.endswith("*") and path.startswith(spec.rstrip("*")))
