# SPDX-License-Identifier: Apache-2.0
"""Which resources does a Kubernetes API server serve, and with which verbs?

Authority: the discovery documents of each Kubernetes minor (`served.py`), with the alpha and beta
APIs that somebody may switch on; what a live server tells of itself comes before them. Everything
in another group is a custom or aggregated resource, of which nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from kguard.layers.audit.semantics.served import MODULES, TABLE
from kguard.layers.audit.semantics.version import Version

WRITES = ("create", "update", "patch", "delete", "deletecollection")
READS = ("get", "list", "watch")
CONNECT_SUBRESOURCES = ("exec", "attach", "portforward", "proxy")

_MINORS = tuple(MODULES)
_CORE = "core"
_EVERY_VERB = frozenset({*WRITES, *READS})
_PREFERRED = (
    *("", "apps", "batch", "autoscaling", "policy", "networking.k8s.io"),
    *("rbac.authorization.k8s.io", "pods", "deployments", "secrets", "configmaps"),
    *("exec", "attach", "portforward", "proxy"),
)
"""What examples of requests are made of first: the best known groups and resources."""


class Resource(NamedTuple):
    """One resource or subresource that the API server serves."""

    group: str
    resource: str
    subresource: str
    namespaced: bool
    verbs: frozenset[str] = _EVERY_VERB

    @property
    def writes(self) -> tuple[str, ...]:
        """The verbs that change it."""
        return tuple(verb for verb in WRITES if verb in self.verbs)

    @property
    def review(self) -> bool:
        """Whether a request about it is a question: nothing is stored."""
        return self.resource.endswith("reviews") and not self.verbs - {"create"}


class Catalogue(NamedTuple):
    """What a server serves in the groups of Kubernetes itself, and what is known beyond."""

    resources: tuple[Resource, ...]
    complete: bool
    """Whether its version is known, so that these groups hold nothing else."""
    custom: frozenset[tuple[str, str, str]] = frozenset()
    """Custom and aggregated resources that are known: group, resource, subresource."""
    live: bool = False
    """Whether the server itself told, so that nothing else is served at all."""

    @property
    def groups(self) -> frozenset[str]:
        """The groups of Kubernetes itself; whatever is in another one is custom."""
        return frozenset(resource.group for resource in self.resources)

    def serves(self, group: str, pattern: str) -> bool:
        """Whether a string of a rule's `resources` can be about something in a group.

        Nothing is known of patterns with a star, and of other groups unless the server told.
        """
        resource, _, subresource = pattern.partition("/")
        own = group in self.groups
        if "*" in pattern or not (own or self.live) or self._removed(resource):
            return True
        names = (group, resource, subresource)
        known = any((r.group, r.resource, r.subresource) == names for r in self.resources)
        return known or names in self.custom

    def _removed(self, resource: str) -> bool:
        """Whether a server of some older version served it."""
        return not self.complete and resource in _REMOVED


_REMOVED = frozenset({"podsecuritypolicies"})
"""Served by a group that is still there, before the oldest minor that is known."""


@lru_cache
def catalogue(version: Version | None) -> Catalogue:
    """What servers of a version serve; of an unknown one, all that any version serves."""
    minor = str(version)
    known = minor in _MINORS
    found = list(_rows(minor if known else ""))
    return Catalogue(_ordered(_joined(found)), complete=known)


class Entry(NamedTuple):
    """One line of a server's discovery."""

    group: str
    name: str
    """`resource` or `resource/subresource`."""
    namespaced: bool
    verbs: frozenset[str]


def told(entries: Iterable[Entry]) -> Catalogue:
    """What a live server serves, as it told."""
    resources, custom = [], set()
    for entry in entries:
        found = _resource(entry)
        if entry.group in OWN_GROUPS:
            resources.append(found)
        else:
            custom.add((found.group, found.resource, found.subresource))
    own = _ordered(_joined(resources))
    return Catalogue(own, complete=True, custom=frozenset(custom), live=True)


def _rows(minor: str) -> Iterator[Resource]:
    """The rows of the table that one minor has; all of them without a minor."""
    group = ""
    for line in TABLE.splitlines():
        if not line.startswith(" "):
            group = "" if line == _CORE else line
            continue
        scope, name, verbs, *minors = line.split()
        if minor and minors and not _within(minor, minors[0]):
            continue
        given = _EVERY_VERB if verbs == "all" else frozenset(verbs.split(","))
        yield _resource(Entry(group, name, scope == "n", given))


def _within(minor: str, span: str) -> bool:
    first, _, last = span.partition("-")
    return _MINORS.index(first) <= _MINORS.index(minor) <= _MINORS.index(last)


def _resource(entry: Entry) -> Resource:
    resource, _, subresource = entry.name.partition("/")
    return Resource(entry.group, resource, subresource, entry.namespaced, entry.verbs)


def _joined(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One entry for each resource, with the verbs of all its versions."""
    found: dict[tuple[str, str, str, bool], frozenset[str]] = {}
    for one in resources:
        key = (one.group, one.resource, one.subresource, one.namespaced)
        found[key] = found.get(key, frozenset()) | one.verbs
    return (Resource(*key, verbs) for key, verbs in found.items())


def _ordered(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(sorted(resources, key=lambda r: tuple(map(_rank, r[:3]))))


def _rank(name: str) -> tuple[int, str]:
    return (_PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED), name)


OWN_GROUPS = frozenset(resource.group for resource in _rows(""))
"""The groups of Kubernetes itself, in any of the versions that are known."""

ANY_VERSION = catalogue(None)
"""What servers of any version serve."""
