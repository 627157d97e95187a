# SPDX-License-Identifier: Apache-2.0
"""Which hosts may be asked, and over which protocol?

A registry may send us elsewhere for a blob or a token. Elsewhere must not be a private or
link-local address (a cloud's metadata service), unless the registry itself lies at such a one.
Plain HTTP is spoken with this machine alone, as docker and cosign do, unless the user says so.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
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
    here, there = urlsplit(origin), urlsplit(target)
    if there.scheme not in ("https", "http") or not there.hostname:
        raise RegistryError("refused", "the registry points to no web address")
    if here.scheme == "https" and there.scheme == "http":
        raise RegistryError("refused", f"the registry points to {there.hostname} without TLS")
    same = (there.hostname, there.port) == (here.hostname, here.port)
    if not same and is_private(there.hostname) and not is_private(here.hostname or ""):
        raise RegistryError(
            "refused", f"the registry points to a private address: {there.hostname}"
        )
    return there


@lru_cache(256)
def is_private(host: str) -> bool:
    """Whether a name leads to an address that is not of the public internet."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return any(not ipaddress.ip_address(str(text).partition("%")[0]).is_global for text in found)
