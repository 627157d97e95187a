# SPDX-License-Identifier: Apache-2.0
"""Which pods run now, and which object made them in the end?"""

from __future__ import annotations

from kguard.inventory.index import Inventory
from kguard.model.manifests import Manifest, mapping, sequence, strings

_MAX_OWNERS = 8


def running_pods(inventory: Inventory) -> dict[str, list[Manifest]]:
    """The pods with a status, by the id of the object at the top of what owns them."""
    found: dict[str, list[Manifest]] = {}
    for pod in inventory.of("Pod"):
        if "phase" in mapping(pod.object.get("status")):
            found.setdefault(_top(inventory, pod).id, []).append(pod)
    return found


def _top(inventory: Inventory, manifest: Manifest) -> Manifest:
    for _ in range(_MAX_OWNERS):
        above = _owner(inventory, manifest)
        if above is None:
            break
        manifest = above
    return manifest


def _owner(inventory: Inventory, manifest: Manifest) -> Manifest | None:
    for owner in sequence(manifest.metadata.get("ownerReferences")):
        fields = strings(owner)
        group = fields.get("apiVersion", "").rpartition("/")[0]
        kind, name = fields.get("kind", ""), fields.get("name", "")
        found = inventory.find(kind, group, manifest.namespace, name)
        if found:
            return found
    return None
