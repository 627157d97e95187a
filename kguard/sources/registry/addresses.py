# SPDX-License-Identifier: Apache-2.0
"""Which hosts may be asked, and over which protocol?

A registry may send us elsewhere for a blob or a token. Elsewhere must not be nearer to us than the
registry itself: no private address for one on the internet, this machine only for one that is on
it, and link-local addresses and metadata services of clouds only for one that is such a one.
Plain HTTP is spoken with this machine alone, as docker and cosign do, unless the user says so.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from kguard.sources.registry.errors import RegistryError

_HUB = "index.docker.io"
_HUB_HOST = "registry-1.docker.io"


def base_url(registry: str, *, plain: bool) -> str:
    """Where the API of a registry lies."""
    host = _HUB_HOST if registry == _HUB else registry
    name = urlsplit(f"//{host}").hostname or ""
    scheme = "http" if plain or name == "localhost" or name.startswith("127.") else "https"
    return f"{scheme}://{host}"


def elsewhere(origin: str, target: str) -> SplitResult:
    """A place that a registry sends us to.

    Raises:
        RegistryError: it is no place for us.
    """
    here, there = urlsplit(origin), _split(target)
    if there.scheme not in ("https", "http") or not there.hostname:
        raise RegistryError("refused", "the registry points to no web address")
    if here.scheme == "https" and there.scheme == "http":
        raise RegistryError("refused", f"the registry points to {there.hostname} without TLS")
    same = (there.hostname, there.port) == (here.hostname, here.port)
    if not same and not kinds_of(there.hostname) <= _allowed(kinds_of(here.hostname or "")):
        raise RegistryError(
            "refused", f"the registry points to a private address: {there.hostname}"
        )
    return there


def _split(target: str) -> SplitResult:
    try:
        found = urlsplit(target)
        found.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return urlsplit("")
    return found


Kind = Literal["public", "private", "loopback", "link-local"]


def _allowed(here: frozenset[Kind]) -> frozenset[Kind]:
    """Where a registry of these kinds may send us."""
    near: frozenset[Kind] = frozenset({"private"}) if here & {"private", "loopback"} else _NOWHERE
    return _OUTSIDE | near | here


_NOWHERE: frozenset[Kind] = frozenset()
_OUTSIDE: frozenset[Kind] = frozenset({"public"})


@lru_cache(256)
def kinds_of(host: str) -> frozenset[Kind]:
    """Of what kinds the addresses of a name are; a name without any is asked, and fails."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(_kind(str(text).partition("%")[0]) for text in found)


def _kind(text: str) -> Kind:
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or str(address) in _METADATA:
        return "link-local"
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    return "public" if address.is_global else "private"


_METADATA = ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")
"""Metadata services that lie elsewhere: of Amazon (IPv6), Alibaba and Azure."""
