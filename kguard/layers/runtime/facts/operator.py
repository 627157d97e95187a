# SPDX-License-Identifier: Apache-2.0
"""Which Falcos does the operator make, and in which order does it lay out rules and configuration?

Authority: falcosecurity/falco-operator internal/pkg/priority/priority.go and
internal/pkg/artifact/manager.go: files are named `PP-SS-name-medium.yaml`, with the priority
(default 50) and 01 for OCI artifacts, 02 for ConfigMaps, 03 for what is written inline; a lower
number is read first, so that a higher one wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import Falco, version_of
from kguard.layers.runtime.facts.texts import Filesystem, Text, from_config_map
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.traces import ARTIFACT_GROUP, OPERATOR_GROUP
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, strings
from kguard.sources.yaml.untyped import Mapping

DEFAULT_PRIORITY = 50

_DEFAULTS = "rules_files: [/etc/falco/rules.d]\nengine: {kind: modern_ebpf}\n"

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


def operator_falcos(inventory: Inventory) -> Iterator[Falco]:
    """Every Falco object of the operator."""
    for manifest in inventory.of("Falco", OPERATOR_GROUP):
        node = falco_yaml.read(_DEFAULTS) or Mapping()
        fragments = (falco_yaml.read(text) for text in _configs(inventory, manifest))
        whole = falco_yaml.merge(node, *(fragment for fragment in fragments if fragment))
        text = manifest.spec.get("version")
        version, basis = version_of(inventory, text if isinstance(text, str) else "0.44.1")
        pod = manifest.spec.get("podTemplateSpec")
        template = pod.get("spec") if isinstance(pod, dict) else None
        kind = strings(manifest.spec).get("type", "DaemonSet")
        chosen = falco_yaml.settings_of(whole)
        yield Falco(
            ref=manifest.ref,
            id=manifest.id,
            kind="operator",
            version=version,
            version_basis=basis if isinstance(text, str) else "assumed",
            settings=msgspec.structs.replace(chosen, plugins=_plugins(inventory, manifest)),
            config="read",
            config_text=None,
            pod=_pod(template if isinstance(template, dict) else {}, kind),
            pod_pointer="/spec/podTemplateSpec/spec",
            files=Filesystem(inventory, manifest.namespace, {}, {}),
            selections=chosen.selections,
        )


def _pod(template: JsonObject, kind: str) -> JsonObject:
    """The pod spec with the two tolerations that the operator sets where none are written."""
    if kind != "DaemonSet" or "tolerations" in template:
        return template
    roles = ("master", "control-plane")
    return {
        **template,
        "tolerations": [
            {"key": f"node-role.kubernetes.io/{role}", "effect": "NoSchedule", "operator": "Exists"}
            for role in roles
        ],
    }


def _plugins(inventory: Inventory, falco: Manifest) -> tuple[str, ...]:
    """The container plugin, which the operator always loads, and those of Plugin objects."""
    named = [
        strings(manifest.spec.get("config")).get("name") or manifest.name
        for manifest in inventory.of("Plugin", ARTIFACT_GROUP)
        if manifest.namespace == falco.namespace
    ]
    return tuple(sorted({"container", *named}))


def _configs(inventory: Inventory, falco: Manifest) -> list[str]:
    """The fragments of Config objects in their order: low priority numbers first."""
    return [text.content for _, text in ordered(inventory, falco.namespace, "Config")]
