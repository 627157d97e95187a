# SPDX-License-Identifier: Apache-2.0
"""Which places are asked for a repository, in which order?

Authority: containers/image docs/containers-registries.conf.5.md (the longest prefix counts, and its
mirrors are tried before the registry itself) and containerd docs/hosts.md (a mirror without
`resolve` is not asked what a tag names; one that is not the registry itself is told its name by the
query `ns`).
"""

from __future__ import annotations

import msgspec

from kguard.sources.registry.addresses import base_url
from kguard.sources.registry.settings import Location, Settings

HUB = "index.docker.io"
_HUB_NAMES = frozenset({HUB, "docker.io", "registry-1.docker.io"})


class Route(msgspec.Struct, frozen=True):
    """One place that may have a repository."""

    registry: str
    """The host that answers, as logins know it."""
    repository: str
    url: str
    """Where the repository's part of the API begins."""
    query: str = ""
    tags: bool = True
    digests: bool = True

    def of(self, path: str) -> str:
        """The URL of something in the repository."""
        mark = "&" if "?" in path else "?"
        return f"{self.url}/{path}{mark}{self.query}" if self.query else f"{self.url}/{path}"


def routes(settings: Settings, registry: str, repository: str) -> tuple[Route, ...]:
    """The places to ask for a repository; the first that has something is believed."""
    name = f"{canonical(registry)}/{repository}"
    fitting = [m for m in settings.mirrors if _rest(m.prefix, name) is not None]
    mirror = max(fitting, key=lambda m: (m.prefix != "*", len(m.prefix)), default=None)
    found = []
    if mirror is not None:
        found = [_through(place, mirror.prefix, name, settings) for place in mirror.locations]
    if mirror is None or mirror.itself:
        plain = settings.plain_http or registry in settings.plain_hosts
        url = f"{base_url(registry, plain=plain)}/v2/{repository}"
        found.append(Route(registry, repository, url))
    return tuple(found)


def signature_repository(settings: Settings, registry: str, repository: str) -> str:
    """The further repository where signatures of images lie, or empty."""
    name = f"{canonical(registry)}/{repository}"
    fitting = [pair for pair in settings.signatures if _rest(pair[0], name) is not None]
    return max(fitting, key=lambda pair: len(pair[0]), default=("", ""))[1]


def canonical(host: str) -> str:
    """One name for the several hosts of Docker Hub."""
    return HUB if host in _HUB_NAMES else host


def _rest(prefix: str, name: str) -> str | None:
    """What follows a prefix in a full name; None where the name is not under it."""
    host, slash, path = prefix.partition("/")
    if host == "*":
        return name.partition("/")[2]
    if host.startswith("*."):
        registry, _, repository = name.partition("/")
        return repository if registry.endswith(host[1:]) else None
    wanted = canonical(host) + slash + path
    if name != wanted and not name.startswith(wanted.rstrip("/") + "/"):
        return None
    return name.removeprefix(wanted).strip("/")


def _through(location: Location, prefix: str, name: str, settings: Settings) -> Route:
    host, _, path = location.place.partition("/")
    repository = "/".join(part for part in (path, _rest(prefix, name)) if part)
    plain = settings.plain_http or host in settings.plain_hosts
    base = f"{location.scheme}://{host}" if location.scheme else base_url(host, plain=plain)
    registry = name.partition("/")[0]
    told = location.told and canonical(host) != registry
    return Route(
        registry=canonical(host),
        repository=repository,
        url=f"{base}{location.root}/{repository}",
        query=f"ns={'docker.io' if registry == HUB else registry}" if told else "",
        tags=location.tags,
        digests=location.digests,
    )
