# SPDX-License-Identifier: Apache-2.0
"""How are rules and requests told in words?"""

from __future__ import annotations

from typing import cast

from kguard.layers.audit.semantics.evaluate import Attributes
from kguard.layers.audit.semantics.policy import GroupResources, Rule
from kguard.model.facts.audit import Level, Request

_SHOWN = 4
"""How many members of a list are named before "..."."""


def rule_words(rule: Rule) -> str:
    """A rule without its place: `None for groups system:nodes`."""
    entries = tuple(_entry(entry) for entry in rule.resources)
    parts = [
        _part("users", rule.users),
        _part("groups", rule.user_groups),
        _part("verbs", rule.verbs),
        _part("resources", entries),
        _part("namespaces", tuple(name or '""' for name in rule.namespaces)),
        _part("paths", rule.non_resource_urls),
    ]
    told = ", ".join(part for part in parts if part)
    return f"{rule.level} for {told or 'everything'}"


def _part(name: str, values: tuple[str, ...]) -> str:
    more = " ..." if len(values) > _SHOWN else ""
    return f"{name} {' '.join(values[:_SHOWN])}{more}" if values else ""


def _entry(entry: GroupResources) -> str:
    group = f".{entry.group}" if entry.group else ""
    if not entry.resources:
        return f"all of {entry.group or 'the core group'}"
    names = f" named {'|'.join(entry.resource_names)}" if entry.resource_names else ""
    return "|".join(entry.resources) + group + names


def request_facts(request: Attributes) -> Request:
    """A witness as the facts hold it."""
    return Request(
        user=request.user or "",
        groups=list(request.groups),
        verb=request.verb,
        api_group=request.api_group,
        resource=request.resource,
        subresource=request.subresource,
        namespace=request.namespace,
        name=request.name,
        text=request_words(request),
    )


def request_words(request: Attributes) -> str:
    """`create pods in namespace team-a by jane@example.com (system:masters)`."""
    who = _who(request)
    if not request.resource_request:
        return f"{request.verb} {request.path} by {who}"
    resource = request.resource
    if request.subresource:
        resource = f"{resource}/{request.subresource}"
    if request.api_group:
        resource = f"{resource}.{request.api_group}"
    named = f" {request.name}" if request.name else ""
    place = f" in namespace {request.namespace}" if request.namespace else ""
    return f"{request.verb or 'other method on'} {resource}{named}{place} by {who}"


_IMPLIED = ("system:authenticated", "system:unauthenticated", "system:nodes")


def _who(request: Attributes) -> str:
    """The user, with the groups that do not go without saying."""
    if request.user is None:
        return "somebody with a bad credential"
    told = [g for g in request.groups if g not in _IMPLIED and "serviceaccounts" not in g]
    return f"{request.user} ({', '.join(told)})" if told else request.user


def level_of(text: str) -> Level:
    """A level of a validated policy as the facts name it."""
    return cast("Level", text)
