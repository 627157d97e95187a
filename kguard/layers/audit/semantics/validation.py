# SPDX-License-Identifier: Apache-2.0
"""Would the API server refuse to start with this policy?

Authority: k8s.io/apiserver pkg/apis/audit/validation/validation.go `ValidatePolicy`. The group
`*` is valid from Kubernetes 1.36 on (commit 6728d9492, first in v0.36.0-alpha.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.layers.audit.semantics.policy import LEVELS, STAGES, GroupResources, Policy, Rule
from kguard.layers.audit.semantics.version import Version

GROUP_STAR_SINCE = Version(1, 36)
MAX_SUBDOMAIN = 253
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class ValidationError(msgspec.Struct, frozen=True):
    """One reason why the policy is refused."""

    kind: str
    """`Invalid`, `Required` or `NotSupported`, as the API machinery names it."""
    field: str
    """The field path as the API server prints it: `rules[0].resources.group`."""
    pointer: str
    message: str
    only_before: Version | None = None
    """The first version that accepts it; None where all refuse it."""

    def __str__(self) -> str:
        return f"{self.kind} {self.field}"


def validate(policy: Policy, version: Version | None = None) -> list[ValidationError]:
    """All errors, in the order in which the API server lists them.

    Args:
        policy: a decoded policy.
        version: of the API server; without it errors that depend on the version are listed too,
            with `only_before` set.
    """
    found = list(_stages(policy.omit_stages, "", ""))
    for index, rule in enumerate(policy.rules):
        found += _rule(rule, f"rules[{index}]", f"/rules/{index}")
    if version is None:
        return found
    return [error for error in found if not error.only_before or version < error.only_before]


def _rule(rule: Rule, field: str, place: str) -> Iterator[ValidationError]:
    yield from _level(rule.level, field, place)
    for index, url in enumerate(rule.non_resource_urls):
        where = (f"{field}.nonResourceURLs[{index}]", f"{place}/nonResourceURLs/{index}")
        yield from _url(url, *where)
    for index, entry in enumerate(rule.resources):
        yield from _resources(entry, f"{field}.resources", f"{place}/resources/{index}")
    yield from _stages(rule.omit_stages, f"{field}.", place)
    if rule.non_resource_urls and (rule.resources or rule.namespaces):
        message = "a rule cannot be about resources and non-resource URLs at once"
        where = (f"{field}.nonResourceURLs", f"{place}/nonResourceURLs")
        yield ValidationError("Invalid", *where, message)


def _level(level: str, field: str, place: str) -> Iterator[ValidationError]:
    if not level:
        yield ValidationError("Required", f"{field}.level", place, "the rule has no level")
    elif level not in LEVELS:
        message = f"{level!r} is not a level ({', '.join(LEVELS)})"
        yield ValidationError("NotSupported", f"{field}.level", f"{place}/level", message)


def _url(url: str, field: str, place: str) -> Iterator[ValidationError]:
    if url == "*":
        return
    if not url.startswith("/"):
        yield ValidationError("Invalid", field, place, f"{url!r} does not begin with /")
    if "*" in url[:-1]:
        message = f"* is not the last character of {url!r}"
        yield ValidationError("Invalid", field, place, message)


def _resources(entry: GroupResources, field: str, place: str) -> Iterator[ValidationError]:
    group = entry.group
    if group == "*":
        message = 'group "*" is only valid from Kubernetes 1.36 on'
        since = GROUP_STAR_SINCE
        yield ValidationError("Invalid", f"{field}.group", f"{place}/group", message, since)
    elif group and (len(group) > MAX_SUBDOMAIN or not _SUBDOMAIN.fullmatch(group)):
        message = f"{group!r} is not an API group (a lower-case DNS name, without a version)"
        yield ValidationError("Invalid", f"{field}.group", f"{place}/group", message)
    if entry.resource_names and not entry.resources:
        message = "resourceNames needs resources"
        where = (f"{field}.resourceNames", f"{place}/resourceNames")
        yield ValidationError("Invalid", *where, message)


def _stages(stages: tuple[str, ...], field: str, place: str) -> Iterator[ValidationError]:
    for index, stage in enumerate(stages):
        if stage not in STAGES:
            where = (f"{field}omitStages[{index}]", f"{place}/omitStages/{index}")
            message = f"{stage!r} is not a stage ({', '.join(STAGES)})"
            yield ValidationError("Invalid", *where, message)
