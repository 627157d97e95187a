# SPDX-License-Identifier: Apache-2.0
"""Where do manifests come from, and what is in them?"""

from __future__ import annotations

from kguard.sources.collecting import collect
from kguard.sources.options import Options, Release

__all__ = ["Options", "Release", "collect"]
