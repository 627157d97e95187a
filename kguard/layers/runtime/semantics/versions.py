# SPDX-License-Identifier: Apache-2.0
"""What does a version of Falco no longer have?

Authority: the release notes of falcosecurity/falco 0.43.0 (deprecations) and 0.44.0: gone are the
gRPC server and output (pull request 3798), the legacy eBPF probe (3796), the gVisor engine (3797).
"""

from __future__ import annotations

import re

import msgspec

from kguard.layers.runtime.semantics.environment import ENGINES, NEWEST, Engine

REMOVALS = (0, 44)
"""The release that dropped gRPC, the legacy eBPF probe and gVisor."""

DRIVERS = ("kmod", "modern_ebpf", "replay", "nodriver")
REMOVED_DRIVERS = {"ebpf": "the legacy eBPF probe", "gvisor": "the gVisor engine"}

_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.\d+)?(?:[-+].*)?")


class Version(msgspec.Struct, frozen=True):
    """A version of Falco, as far as it is known."""

    text: str = ""
    number: tuple[int, int] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it can be compared."""
        return self.number is not None

    def has_removed(self) -> bool:
        """Whether gRPC and the legacy drivers are gone."""
        return self.number is not None and self.number >= REMOVALS


def parse_version(text: str) -> Version:
    """The version that a tag or a label tells; names like `latest` tell none."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return Version(text)
    return Version(text, (int(found[1]), int(found[2])))


def engine_of(version: Version) -> Engine:
    """The rules engine of a release: the newest that is modelled where the version is not known.

    Releases before the first that is modelled count as that one.
    """
    if version.number is None:
        return NEWEST
    known = [release for release in ENGINES if release <= version.number]
    return ENGINES[max(known, default=min(ENGINES))]
