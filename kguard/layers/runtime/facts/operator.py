# SPDX-License-Identifier: Apache-2.0
"""In which order does the Falco operator lay out rules and fragments of configuration?

Authority: falcosecurity/falco-operator internal/pkg/priority/priority.go and
internal/pkg/artifact/manager.go: files are named `PP-SS-name-medium.yaml`, with the priority
(default 50) and 01 for OCI artifacts, 02 for ConfigMaps, 03 for what is written inline; a lower
number is read first, so that a higher one wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.texts import Text, from_config_map
from kguard.layers.runtime.traces import ARTIFACT_GROUP
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, strings

DEFAULT_PRIORITY = 50

_INLINE = {"Rulesfile": "inlineRules", "Config": "config"}
_KEYS = {"Rulesfile": "rules.yaml", "Config": "config.yaml"}


def ordered(inventory: Inventory, namespace: str, kind: str) -> list[tuple[Manifest, Text]]:
    """The texts of all Rulesfile or Config objects of a namespace, in the order of reading."""
    found = []
    for manifest in inventory.of(kind, ARTIFACT_GROUP):
        if manifest.namespace == namespace:
            for sub, text in _texts(inventory, manifest):
                found.append(((_priority(manifest), sub, manifest.name), manifest, text))
    return [(manifest, text) for _, manifest, text in sorted(found, key=lambda entry: entry[0])]


def from_registry(inventory: Inventory, namespace: str) -> list[Manifest]:
    """Rulesfile objects whose rules lie in a registry, so that the input does not show them."""
    return [
        manifest
        for manifest in inventory.of("Rulesfile", ARTIFACT_GROUP)
        if manifest.namespace == namespace and isinstance(manifest.spec.get("ociArtifact"), dict)
    ]


def _priority(manifest: Manifest) -> int:
    value = manifest.spec.get("priority")
    return value if type(value) is int else DEFAULT_PRIORITY


def _texts(inventory: Inventory, manifest: Manifest) -> Iterator[tuple[int, Text]]:
    name = strings(mapping(manifest.spec.get("configMapRef"))).get("name", "")
    config_map = inventory.find("ConfigMap", "", manifest.namespace, name) if name else None
    text = from_config_map(config_map, _KEYS[manifest.kind]) if config_map else None
    if text is not None:
        yield 2, text
    key = _INLINE[manifest.kind]
    value = manifest.spec.get(key)
    if value is not None:
        content = value if isinstance(value, str) else json.dumps(value, indent=0)
        name = f"{manifest.namespace}/{manifest.name}:{key}"
        structured = isinstance(value, list)
        place = pointer("spec", key)
        yield 3, Text(name, content, manifest.ref, manifest.id, place, structured)
