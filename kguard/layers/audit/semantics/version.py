# SPDX-License-Identifier: Apache-2.0
"""Which Kubernetes version decides what an API server does by default?"""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:[.+-].*)?")


class Version(NamedTuple):
    """Major and minor of a Kubernetes version."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def parse_version(text: str) -> Version | None:
    """`v1.36.3`, `1.36` or `v1.34.2+rke2r1`; None for anything else (`stable`, a label)."""
    found = _VERSION.fullmatch(text.strip())
    return Version(int(found[1]), int(found[2])) if found else None
