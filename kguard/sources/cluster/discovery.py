# SPDX-License-Identifier: Apache-2.0
"""Which of the wanted resources does this API server serve, and under which path?

Authority: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api. One
aggregated answer for each of /api and /apis; older servers and proxies give the plain lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from kguard.errors import ClusterError
from kguard.model.manifests import (
    JsonObject,
    PlainFile,
    Unreadable,
    mapping,
    sequence,
    strings,
)
from kguard.sources.cluster.connection import Connection, Refused
from kguard.sources.cluster.kinds import WANTED, wanted

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


PATH = "/apis"
"""Under which everything that a server serves stands among the files."""


class Served(NamedTuple):
    """A resource or subresource, wanted or not."""

    group: str
    name: str
    """`resource` or `resource/subresource`."""
    namespaced: bool
    verbs: tuple[str, ...]


class Resource(msgspec.Struct, frozen=True, order=True):
    """One listable resource, in the version that the server prefers."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As objects name it: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """Where all its objects of all namespaces are listed."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return f"{root}/{self.version}/{self.plural}"

    @property
    def title(self) -> str:
        """As RBAC and kubectl name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def feeds(self) -> str:
        """`Kind.group`, the key of what is unknown without it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Discovered(msgspec.Struct):
    """What a server told about itself."""

    resources: list[Resource]
    """The wanted ones, sorted."""
    broken: list[Unreadable]
    """The groups that it could not tell about."""
    served: list[Served]
    """Everything it serves, sorted; empty where it was only asked about wanted groups."""


def discover(connection: Connection, *, read_secrets: bool = False) -> Discovered:
    """What a server serves.

    Raises:
        Refused: the server does not tell what it serves.
        ClusterError: it cannot be reached.
    """
    found: set[Resource] = set()
    broken: list[Unreadable] = []
    served: set[Served] = set()
    partial = False
    for root in ("/api", "/apis"):
        answer = connection.fetch(root, accept=_AGGREGATED)
        if answer.get("kind") == "APIGroupDiscoveryList":
            found.update(_aggregated(answer))
            served.update(_served(answer))
            broken += _stale(connection, answer)
        else:
            plain, unknown = _plain(connection, root, answer)
            found.update(plain)
            broken += unknown
            partial = True
    kept = (r for r in found if wanted(r.group, r.plural, read_secrets=read_secrets))
    return Discovered(sorted(kept), broken, [] if partial else sorted(served))


def served_page(found: Discovered, context: str) -> PlainFile:
    """Everything a server serves, as JSON: group, name, scope and verbs of each resource."""
    return PlainFile(PATH, msgspec.json.encode(found.served).decode(), context)


def _served(answer: JsonObject) -> Iterator[Served]:
    """Every resource and subresource of every version."""
    for item in sequence(answer.get("items")):
        group = strings(mapping(item).get("metadata")).get("name", "")
        for version in sequence(mapping(item).get("versions")):
            for entry in map(mapping, sequence(mapping(version).get("resources"))):
                plural, inside = strings(entry).get("resource", ""), _is_namespaced(entry)
                yield Served(group, plural, inside, _verbs(entry))
                for below in map(mapping, sequence(entry.get("subresources"))):
                    name = f"{plural}/{strings(below).get('subresource', '')}"
                    yield Served(group, name, inside, _verbs(below))


def _is_namespaced(entry: JsonObject) -> bool:
    return entry.get("scope") == "Namespaced"


def _verbs(entry: JsonObject) -> tuple[str, ...]:
    return tuple(sorted(verb for verb in sequence(entry.get("verbs")) if isinstance(verb, str)))


def _aggregated(answer: JsonObject) -> Iterator[Resource]:
    for item in sequence(answer.get("items")):
        group = strings(mapping(item).get("metadata")).get("name", "")
        taken: set[str] = set()
        for version in sequence(mapping(item).get("versions")):
            name = strings(version).get("version", "")
            for entry in sequence(mapping(version).get("resources")):
                plural = strings(entry).get("resource", "")
                kind = strings(mapping(entry).get("responseKind")).get("kind", "")
                if plural not in taken and "list" in sequence(mapping(entry).get("verbs")):
                    taken.add(plural)
                    yield Resource(group, name, plural, kind)


def _stale(connection: Connection, answer: JsonObject) -> Iterator[Unreadable]:
    """The wanted groups whose own server is away: what is told of them is old or missing."""
    for item in sequence(answer.get("items")):
        group = strings(mapping(item).get("metadata")).get("name", "")
        states = {strings(v).get("freshness") for v in sequence(mapping(item).get("versions"))}
        if group in WANTED and "Stale" in states:
            yield _untold(connection, group, "the server behind it does not answer")


def _plain(
    connection: Connection, root: str, answer: JsonObject
) -> tuple[list[Resource], list[Unreadable]]:
    found: dict[tuple[str, str], Resource] = {}
    broken: list[Unreadable] = []
    if answer.get("kind") not in ("APIVersions", "APIGroupList"):
        why = f"the answer to `get` on {root} is no list"
        broken.append(_untold(connection, "" if root == "/api" else "*", why))
    for group, version in _versions(answer):
        path = f"{root}/{group}/{version}" if group else f"{root}/{version}"
        try:
            entries = sequence(connection.fetch(path).get("resources"))
        except (Refused, ClusterError) as error:
            broken.append(_untold(connection, group, error.message))
            continue
        for resource in filter(None, (_listable(group, version, entry) for entry in entries)):
            found.setdefault((group, resource.plural), resource)
    return list(found.values()), broken


def _versions(answer: JsonObject) -> Iterator[tuple[str, str]]:
    """Group and version of the wanted groups, the preferred version of each group first."""
    if answer.get("kind") == "APIVersions":
        yield from (("", str(version)) for version in sequence(answer.get("versions")))
    for group in sequence(answer.get("groups")):
        name = strings(group).get("name", "")
        preferred = strings(mapping(group).get("preferredVersion")).get("version", "")
        others = {strings(v).get("version", "") for v in sequence(mapping(group).get("versions"))}
        if name in WANTED:
            for version in (preferred, *sorted(others - {preferred})):
                yield name, version


def _listable(group: str, version: str, entry: Any) -> Resource | None:
    plural, kind = strings(entry).get("name", ""), strings(entry).get("kind", "")
    if "/" in plural or "list" not in sequence(mapping(entry).get("verbs")):
        return None
    return Resource(group, version, plural, kind)


def _untold(connection: Connection, group: str, why: str) -> Unreadable:
    """What is unknown where a group (`*` for all that have a name) cannot be told about."""
    title = {"": "the core group", "*": "any other group"}.get(group, group)
    return Unreadable(
        source=f"context {connection.context}",
        reason=f"the server does not tell what {title} has: {why}",
        feeds=("*",) if group == "*" else (f"*.{group}",),
    )
