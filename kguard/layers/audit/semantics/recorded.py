# SPDX-License-Identifier: Apache-2.0
"""At which level is a request recorded at best, stage by stage?

What reads the log (a Falco rule about audit events) can only see what some request of its kind
leaves there. For each resource and verb this is the highest level of all rules that decide such a
request, for users, namespaces and names of any kind; a stage that a rule leaves out is not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from kguard.layers.audit.semantics.evaluate import effective_omit_stages
from kguard.layers.audit.semantics.policy import LEVELS, Policy
from kguard.layers.audit.semantics.region import RegionTooLargeError, decide
from kguard.layers.audit.semantics.resources import ANY_VERSION, Catalogue
from kguard.layers.audit.semantics.space import RESOURCE_VERBS, Box, Space
from kguard.layers.audit.semantics.universe import occurring, space_of

STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete")
PATHS = ""
"""Stands for requests that are about no resource."""

CUSTOM = "*"
"""Stands for the resources of groups that Kubernetes itself does not serve."""

_VERBS = tuple(verb for verb in RESOURCE_VERBS if verb)


class Best(NamedTuple):
    """The highest level at one stage, and the rule that gives it (-1: none records it)."""

    level: str
    rule: int


class Recording(NamedTuple):
    """Resources and verbs that are recorded alike; `best` follows `STAGES`."""

    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    best: tuple[Best, ...]


_NOTHING = tuple(Best("None", -1) for _ in STAGES)


def recorded(policy: Policy, served: Catalogue = ANY_VERSION) -> list[Recording]:
    """How everything that can be asked of the API server is recorded at best.

    Resources are written `resource` or `resource/subresource`, as the log names them, whatever
    their group. An empty list where the policy is too complex.
    """
    space = space_of(policy, served=served)
    try:
        shares = decide(space, policy, occurring(space))
    except RegionTooLargeError:
        return []
    cells: dict[tuple[str, str], tuple[Best, ...]] = defaultdict(lambda: _NOTHING)
    for share in shares:
        outcome = _outcome(policy, share.rule)
        for box in share.boxes:
            for cell in _cells(space, box):
                cells[cell] = tuple(map(_better, cells[cell], outcome))
    return _grouped(cells)


def _outcome(policy: Policy, rule: int) -> tuple[Best, ...]:
    if rule < 0:
        return _NOTHING
    found = policy.rules[rule]
    omitted = effective_omit_stages(policy, found)
    return tuple(Best("None" if stage in omitted else found.level, rule) for stage in STAGES)


def _better(one: Best, other: Best) -> Best:
    return other if LEVELS.index(other.level) > LEVELS.index(one.level) else one


def _cells(space: Space, box: Box) -> Iterator[tuple[str, str]]:
    verbs = [verb for verb in _VERBS if box.verb & space.verbs.mask([verb])]
    for resource in _resources(space, box):
        for verb in verbs:
            yield resource, verb


def _resources(space: Space, box: Box) -> Iterator[str]:
    if box.path & ~1:
        yield PATHS
    if not box.path & 1:
        return
    if box.group & space.groups.without(*space.served.groups):
        yield CUSTOM
    for found in space.served.resources:
        group = box.group & space.groups.mask([found.group])
        resource = box.resource & space.resources.mask([found.resource])
        if group and resource and box.subresource & space.subresources.mask([found.subresource]):
            yield f"{found.resource}/{found.subresource}".rstrip("/")


def _grouped(cells: dict[tuple[str, str], tuple[Best, ...]]) -> list[Recording]:
    by_resource: dict[tuple[str, tuple[Best, ...]], list[str]] = defaultdict(list)
    for (resource, verb), best in sorted(cells.items()):
        by_resource[resource, best].append(verb)
    alike: dict[tuple[tuple[str, ...], tuple[Best, ...]], list[str]] = defaultdict(list)
    for (resource, best), verbs in by_resource.items():
        alike[tuple(verbs), best].append(resource)
    return sorted(
        Recording(tuple(sorted(resources)), verbs, best)
        for (verbs, best), resources in alike.items()
    )
