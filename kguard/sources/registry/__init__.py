# SPDX-License-Identifier: Apache-2.0
"""How are registries asked for manifests, blobs and what refers to them?

errors       the ways in which a registry does not answer
settings     what the user says about registries
credentials  what docker's configuration and its helpers know
pull_secrets what a pod's secrets know
tokens       the challenge of a registry, answered
addresses    which hosts may be asked at all
routes       mirrors, and where signatures lie besides
node_files   mirrors that a node's files name
gate         how much is asked of a host at once, and when again
transport    one request with its limits
client       what a registry has
cache        what registries answered before
remembering  what a registry has, where some of it is known from before
"""

from __future__ import annotations

from kguard.sources.registry.client import Client
from kguard.sources.registry.credentials import Keychain, Login
from kguard.sources.registry.errors import RegistryError
from kguard.sources.registry.remembering import Remembering
from kguard.sources.registry.settings import Settings

__all__ = ["Client", "Keychain", "Login", "RegistryError", "Remembering", "Settings"]
