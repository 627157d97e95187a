# SPDX-License-Identifier: Apache-2.0
"""Which hosts does a text name?

Strings are searched for addresses in every usual notation: URLs, `host:port`, comma lists, gRPC's
`dns:///`, JDBC. A bare word counts only where the name of the setting says that it is an address.

Authority for settings that name the program itself: opentelemetry.io "Environment Variable
Specification" (OTEL_SERVICE_NAME), Jaeger's and Elastic APM's clients, Datadog's "Unified Service
Tagging" (DD_SERVICE).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import msgspec

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}):/{2,3}(?:[^\s/@,;\"'=|<>]{1,200}@)?)?"
    r"(?P<host>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,10})"
    r"(?::(?P<port>[0-9]{1,5})(?![0-9]))?"
)
_HINT = re.compile(
    r"HOST|ADDR|URL|URI|SERVER|SERVICE|ENDPOINT|BROKER|BOOTSTRAP|DSN|DATABASE|REDIS|UPSTREAM"
)
_OWN_NAME = re.compile(r"(?:OTEL|JAEGER|ELASTIC_APM)_SERVICE_NAME|DD_SERVICE")
_SCHEME_PORTS = {
    "amqp": 5672,
    "amqps": 5671,
    "http": 80,
    "https": 443,
    "mongodb": 27017,
    "mysql": 3306,
    "nats": 4222,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "ws": 80,
    "wss": 443,
}
_MAX_TEXT = 100_000
"""Longer strings are data, no settings."""


class Mention(msgspec.Struct, frozen=True, order=True):
    """A host name in a setting; `port` is 0 where none is given."""

    host: str
    port: int


def mentions(key: str, text: str) -> Iterator[Mention]:
    """The addresses that a setting names."""
    name = key.upper().replace("-", "_").replace(".", "_")
    hinted = bool(_HINT.search(name)) and not _OWN_NAME.fullmatch(name)
    for match in _ADDRESS.finditer(text[:_MAX_TEXT]):
        host, scheme = match["host"], (match["scheme"] or "").lower()
        port = int(match["port"] or 0)
        if host.replace(".", "").isdigit():
            if (port or scheme) and is_address(host):
                yield Mention(host, port or _SCHEME_PORTS.get(scheme, 0))
            continue
        whole = match.span() == (0, len(text.strip()))
        # A bare word is a host only where the name of the setting says so.
        if scheme or port or "." in host or (hinted and whole):
            yield Mention(host, port or _SCHEME_PORTS.get(scheme, 0))


def is_address(host: str) -> bool:
    """Whether a host is the address of another machine."""
    if ":" not in host and not host.replace(".", "").isdigit():
        return False
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast)
