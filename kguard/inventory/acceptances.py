# SPDX-License-Identifier: Apache-2.0
"""Which annotations say that something is meant to be as it is, and weighs less?

`exception.kguard.dev/PORT` on a PeerAuthentication is one. Where a change must not accept its own
findings, only those count that another revision has on the same object.
"""

from __future__ import annotations

from kguard.inventory.index import Inventory
from kguard.model.manifests import Manifest

PREFIX = "exception.kguard.dev/"


def acceptance(manifest: Manifest, key: str) -> str:
    """The same for the same annotation of the same object in another revision."""
    return f"{manifest.id}\x1f{key}\x1f{manifest.annotations.get(key, '')}"


def acceptances(inventory: Inventory) -> frozenset[str]:
    """All of an input."""
    return frozenset(
        acceptance(manifest, key)
        for manifest in inventory
        for key in manifest.annotations
        if key.startswith(PREFIX)
    )
