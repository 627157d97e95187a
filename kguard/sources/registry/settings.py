# SPDX-License-Identifier: Apache-2.0
"""What may a user say about registries?"""

from __future__ import annotations

import msgspec


class Location(msgspec.Struct, frozen=True):
    """Another place where the repositories of a prefix lie."""

    place: str
    """Host, and the path that stands for the prefix: `mirror.example.com/hub`."""
    scheme: str = ""
    """`http` or `https`; empty for what is usual for the host."""
    tags: bool = True
    """Whether it may say which digest a tag names."""
    digests: bool = True
    """Whether it is asked for content by digest."""
    told: bool = False
    """Whether it is told for which registry it stands (containerd's query `ns`)."""
    root: str = "/v2"
    """Path of the API."""


class Mirror(msgspec.Struct, frozen=True):
    """Where the repositories under a prefix are looked for, in order."""

    prefix: str
    """`docker.io`, `registry.example.com/shop`, `*.example.com`, or `*` for every registry."""
    locations: tuple[Location, ...]
    itself: bool = True
    """Whether the registry itself is asked after them."""


class Settings(msgspec.Struct, frozen=True):
    """What the user says about registries."""

    plain_http: bool = False
    """Whether registries may be asked without TLS."""
    plain_hosts: tuple[str, ...] = ()
    """Those that are asked without TLS."""
    ca_files: tuple[str, ...] = ()
    """PEM files of further certificate authorities."""
    mirrors: tuple[Mirror, ...] = ()
    signatures: tuple[tuple[str, str], ...] = ()
    """Prefixes of repositories, and the repository where their signatures lie besides."""
    cache: str = ""
    """The folder where answers are kept; empty for none."""
