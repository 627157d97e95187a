# SPDX-License-Identifier: Apache-2.0
"""How are registries asked for manifests, blobs and what refers to them?

errors       the ways in which a registry does not answer
credentials  what docker's configuration and its helpers know
tokens       the challenge of a registry, answered
addresses    which hosts may be asked at all
client       the requests, with their limits
"""

from __future__ import annotations

from kguard.sources.registry.client import Client, Settings
from kguard.sources.registry.errors import RegistryError

__all__ = ["Client", "RegistryError", "Settings"]
