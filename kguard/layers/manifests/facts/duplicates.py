# SPDX-License-Identifier: Apache-2.0
"""Which objects does one apply set define twice with different content?

An apply set is one rendering, or one folder of plain files (`kubectl apply -f FOLDER`). The same
object in two sets is two environments.
"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import weight, written
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Duplicate
from kguard.model.manifests import Manifest

_Key = tuple[str, str]


def duplicates(inventory: Inventory) -> list[Duplicate]:
    """Definitions that contradict each other, by object."""
    if not inventory.shadowed:
        return []
    sets: dict[_Key, list[Manifest]] = {}
    for manifest in written(inventory):
        if manifest.metadata.get("name"):
            key = (_apply_set(manifest), manifest.id.partition("#")[0])
            sets.setdefault(key, []).append(manifest)
    found = [_duplicate(group) for group in sets.values() if _differ(group)]
    return sorted(found, key=lambda d: (d.ref, d.detail))


def _apply_set(manifest: Manifest) -> str:
    text = manifest.text
    return text.apply_set or f"folder {text.file.rpartition('/')[0]}"


def _differ(group: list[Manifest]) -> bool:
    return any(manifest.object != group[0].object for manifest in group[1:])


def _duplicate(group: list[Manifest]) -> Duplicate:
    ordered = sorted(group, key=lambda m: (m.text.file, m.text.index, m.pointer))
    *earlier, last = ordered
    because = [Evidence(m.id, "/metadata/name", "is overwritten") for m in earlier]
    because.append(Evidence(last.id, "/metadata/name", "is applied last and counts"))
    words = f"{len(group)} times"
    return Duplicate(last.ref, str(last.ref), weight(last), words, because)
