# SPDX-License-Identifier: Apache-2.0
"""Which Falcos does the operator make, and in which order does it lay out rules and configuration?

Authority: falcosecurity/falco-operator internal/pkg/priority/priority.go and
internal/pkg/artifact/manager.go: files are named `PP-SS-name-medium.yaml`, with the priority
(default 50) and 01 for OCI artifacts, 02 for ConfigMaps, 03 for what is written inline; a lower
number is read first, so that a higher one wins. An object with a selector concerns the nodes with
these labels (internal/pkg/common/node.go), so that one Falco may have several rulesets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import reduce

import msgspec

from kguard.inventory import Inventory
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.layers.runtime.facts.falco import CONFIG_FOLDER, RULES_FOLDER, Falco, version_of
from kguard.layers.runtime.facts.texts import (
    Filesystem,
    Text,
    from_base_rules,
    from_config_map,
)
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.configuration import included
from kguard.layers.runtime.semantics.placement import Node, node_of, place
from kguard.layers.runtime.traces import ARTIFACT_GROUP, OPERATOR_GROUP
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, strings
from kguard.sources.yaml import untyped

DEFAULT_PRIORITY = 50
DEFAULT_REGISTRY = "ghcr.io"

_DEFAULTS = """\
rules_files: [/etc/falco/rules.d]
stdout_output: {enabled: true}
syslog_output: {enabled: true}
syscall_event_drops: {actions: [log, alert]}
metrics: {enabled: true}
webserver: {enabled: true, prometheus_metrics_enabled: true}
"""
_ENGINES = {
    "DaemonSet": "engine: {kind: modern_ebpf}\n",
    "Deployment": "engine: {kind: nodriver}\n",
}
"""What the operator writes before the Config objects (internal/pkg/resources/falco.go)."""

_INLINE = {"Rulesfile": "inlineRules", "Config": "config"}
_KEYS = {"Rulesfile": "rules.yaml", "Config": "config.yaml"}


def ordered(
    inventory: Inventory, namespace: str, kind: str, labels: Mapping[str, str] | None
) -> list[tuple[Manifest, Text]]:
    """The texts of the Rulesfile or Config objects of a namespace, in the order of reading.

    Args:
        inventory: where the objects are.
        namespace: of the Falco that reads them.
        kind: `Rulesfile` or `Config`.
        labels: those of the node; None where it is not known, so that no selector is decided.
    """
    found = [
        (manifest, text)
        for manifest in inventory.of(kind, ARTIFACT_GROUP)
        if manifest.namespace == namespace and applies(manifest, labels)
        for text in _texts(inventory, manifest)
    ]
    return sorted(found, key=lambda entry: entry[1].path)


def from_registry(
    inventory: Inventory, namespace: str, labels: Mapping[str, str] | None
) -> list[Manifest]:
    """Rulesfile objects whose rules lie in a registry, so that the input does not show them."""
    return [
        manifest
        for manifest in inventory.of("Rulesfile", ARTIFACT_GROUP)
        if manifest.namespace == namespace
        and isinstance(manifest.spec.get("ociArtifact"), dict)
        and applies(manifest, labels)
    ]


def fetched(inventory: Inventory, manifest: Manifest) -> Text | None:
    """The rules of an artifact in a registry, if the user named that artifact or its file."""
    repository = _repository(manifest)
    for rules in inventory.base_rules:
        same = rules.artifact == f"oci://{repository}" if rules.artifact else False
        if same or (not rules.artifact and rules.name == _file_of(repository)):
            return from_base_rules(rules, _path(manifest, 1, "oci"))
    return None


def _repository(manifest: Manifest) -> str:
    """The repository of an artifact, with its registry."""
    artifact = mapping(manifest.spec.get("ociArtifact"))
    registry = strings(artifact.get("registry")).get("name", DEFAULT_REGISTRY)
    return f"{registry}/{strings(artifact.get('image')).get('repository', '')}"


def _file_of(repository: str) -> str:
    """The file that the project's artifacts hold: `falco-rules` has falco_rules.yaml."""
    name = repository.rpartition("/")[2]
    return f"{name.removesuffix('-rules')}_rules.yaml"


def applies(manifest: Manifest, labels: Mapping[str, str] | None) -> bool:
    """Whether an object of the operator concerns a node (internal/pkg/common/node.go)."""
    written = manifest.spec.get("selector")
    if written is None:
        return True
    try:
        selector = parse_selector(written)
    except InvalidSelectorError:
        return False
    return labels is not None and selector is not None and selector.matches(labels)


def undecided(inventory: Inventory, namespace: str) -> list[Manifest]:
    """Objects that concern some nodes only; without nodes nobody knows which."""
    return [manifest for manifest in _chosen(inventory, namespace) if manifest.kind != "Plugin"]


def _chosen(inventory: Inventory, namespace: str) -> list[Manifest]:
    """The objects with a selector."""
    return [
        manifest
        for kind in ("Config", "Plugin", "Rulesfile")
        for manifest in inventory.of(kind, ARTIFACT_GROUP)
        if manifest.namespace == namespace and manifest.spec.get("selector") is not None
    ]


class _Group(msgspec.Struct, frozen=True):
    """Nodes that the objects of the operator treat alike."""

    nodes: tuple[str, ...] = ()
    """Their names; empty where all nodes are treated alike."""
    labels: Mapping[str, str] | None = None


def _groups(inventory: Inventory, namespace: str, pod: JsonObject) -> list[_Group]:
    chosen = _chosen(inventory, namespace)
    nodes = [node_of(manifest.object) for manifest in inventory.of("Node")]
    nodes = [node for node in nodes if place(pod, node).runs]
    if not chosen or not nodes:
        return [_Group(labels={} if not chosen else None)]
    alike: dict[tuple[bool, ...], list[Node]] = {}
    for node in nodes:
        alike.setdefault(tuple(applies(m, node.labels) for m in chosen), []).append(node)
    if len(alike) == 1:
        return [_Group(labels=nodes[0].labels)]
    return [
        _Group(tuple(sorted(n.name for n in found)), found[0].labels) for found in alike.values()
    ]


def _priority(manifest: Manifest) -> int:
    value = manifest.spec.get("priority")
    return value if type(value) is int else DEFAULT_PRIORITY


def _texts(inventory: Inventory, manifest: Manifest) -> Iterator[Text]:
    name = strings(mapping(manifest.spec.get("configMapRef"))).get("name", "")
    config_map = inventory.find("ConfigMap", "", manifest.namespace, name) if name else None
    text = from_config_map(config_map, _KEYS[manifest.kind]) if config_map else None
    if text is not None:
        yield text.at_path(_path(manifest, 2, "configmap"))
    key = _INLINE[manifest.kind]
    value = manifest.spec.get(key)
    if value is not None:
        content = value if isinstance(value, str) else json.dumps(value, indent=0)
        name = f"{manifest.namespace}/{manifest.name}:{key}"
        structured = isinstance(value, list)
        place = pointer("spec", key)
        text = Text(name, content, manifest.ref, manifest.id, place, structured)
        yield text.at_path(_path(manifest, 3, "inline"))


def _path(manifest: Manifest, sub: int, medium: str) -> str:
    folder = RULES_FOLDER if manifest.kind == "Rulesfile" else CONFIG_FOLDER
    return f"{folder}/{_priority(manifest):02}-{sub:02}-{manifest.name}-{medium}.yaml"


def operator_falcos(inventory: Inventory) -> Iterator[Falco]:
    """Every Falco object of the operator, once for each group of nodes that it treats alike."""
    for manifest in inventory.of("Falco", OPERATOR_GROUP):
        pod = manifest.spec.get("podTemplateSpec")
        template = pod.get("spec") if isinstance(pod, dict) else None
        kind = strings(manifest.spec).get("type", "DaemonSet")
        whole = _pod(template if isinstance(template, dict) else {}, kind)
        for group in _groups(inventory, manifest.namespace, whole):
            yield _falco(inventory, manifest, whole, group)


def _falco(inventory: Inventory, manifest: Manifest, pod: JsonObject, group: _Group) -> Falco:
    kind = strings(manifest.spec).get("type", "DaemonSet")
    node = falco_yaml.read(_DEFAULTS + _ENGINES.get(kind, "")) or untyped.Mapping()
    configs = ordered(inventory, manifest.namespace, "Config", group.labels)
    fragments = (falco_yaml.read(text.content) for _, text in configs)
    whole = reduce(included, filter(None, fragments), node)
    text = manifest.spec.get("version")
    version, basis = version_of(inventory, text if isinstance(text, str) else "0.44.1")
    chosen = falco_yaml.settings_of(whole)
    plugins = _plugins(inventory, manifest, group.labels)
    return Falco(
        ref=manifest.ref,
        id=manifest.id,
        kind="operator",
        version=version,
        version_basis=basis if isinstance(text, str) else "assumed",
        settings=msgspec.structs.replace(chosen, plugins=plugins),
        config="unknown" if _is_undecided(inventory, manifest, group) else "read",
        config_text=None,
        pod=pod,
        pod_pointer="/spec/podTemplateSpec/spec",
        files=Filesystem(inventory, manifest.namespace, {}, {}),
        selections=chosen.selections,
        nodes=group.nodes,
        labels=group.labels,
    )


def _is_undecided(inventory: Inventory, falco: Manifest, group: _Group) -> bool:
    """Whether some Config may or may not be read."""
    found = undecided(inventory, falco.namespace) if group.labels is None else ()
    return any(manifest.kind == "Config" for manifest in found)


def _pod(template: JsonObject, kind: str) -> JsonObject:
    """The pod spec with the two tolerations that the operator sets where none are written."""
    if kind != "DaemonSet" or "tolerations" in template:
        return template
    roles = ("master", "control-plane")
    return {
        **template,
        "tolerations": [
            {"key": f"node-role.kubernetes.io/{role}", "effect": "NoSchedule"} for role in roles
        ],
    }


def _plugins(
    inventory: Inventory, falco: Manifest, labels: Mapping[str, str] | None
) -> tuple[str, ...]:
    """The container plugin, which the operator always loads, and those of Plugin objects."""
    named = [
        strings(manifest.spec.get("config")).get("name") or manifest.name
        for manifest in inventory.of("Plugin", ARTIFACT_GROUP)
        if manifest.namespace == falco.namespace and applies(manifest, labels)
    ]
    return tuple(sorted({"container", *named}))
