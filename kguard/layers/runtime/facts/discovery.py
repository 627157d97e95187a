# SPDX-License-Identifier: Apache-2.0
"""Where in the input is a Falco, and which configuration does it read?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.runtime.facts.texts import Filesystem, Text, from_document
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.settings import Settings
from kguard.layers.runtime.semantics.versions import Version, parse_version
from kguard.layers.runtime.traces import (
    ARTIFACT_GROUP,
    IMAGE,
    OPERATOR_GROUP,
    falco_container,
    is_falco_yaml,
)
from kguard.model.facts.runtime import Kind
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, sequence, strings
from kguard.sources.yaml.untyped import Mapping, Scalar

CONFIG_PATH = "/etc/falco/falco.yaml"
CONFIG_FOLDER = "/etc/falco/config.d"
RULES_FOLDER = "/etc/falco/rules.d"

_OPERATOR_DEFAULTS = "rules_files: [/etc/falco/rules.d]\nengine: {kind: modern_ebpf}\n"


class Falco(msgspec.Struct):
    """One Falco with everything that the input tells of it."""

    ref: ObjectRef
    id: str
    """`Manifest.id` or the id of the document that stands for it."""
    kind: Kind
    version: Version
    version_basis: Literal["written", "assumed", "unknown"]
    settings: Settings
    config: Literal["read", "default", "unknown"]
    config_text: Text | None
    pod: JsonObject
    pod_pointer: str
    files: Filesystem
    selections: tuple[Selection, ...]
    workload: Workload | None = None


def discover(inventory: Inventory) -> list[Falco]:
    """Every Falco, by namespace, kind and name; lone configuration files last."""
    from kguard.layers.runtime.facts.chart import chart_falcos

    found = [*_workloads(inventory), *_operator(inventory), *chart_falcos(inventory)]
    used = {falco.config_text.ref for falco in found if falco.config_text}
    found += _lone_files(inventory, used)
    return sorted(found, key=lambda falco: (falco.kind == "file", falco.ref))


def _workloads(inventory: Inventory) -> Iterator[Falco]:
    for workload in inventory.workloads:
        container = falco_container(workload)
        if container is not None:
            yield _from_workload(inventory, workload, container)


def _from_workload(inventory: Inventory, workload: Workload, container: Container) -> Falco:
    files = Filesystem(inventory, workload.namespace, workload.pod, container.raw)
    arguments = _arguments(container.raw)
    path = _value_of(arguments, "-c", "--config") or CONFIG_PATH
    text = files.read(path)
    node = falco_yaml.read(text.content) if text else None
    config: Literal["read", "default", "unknown"] = "read" if node else "default"
    if node is None and (text is not None or files.is_opaque(path)):
        config = "unknown"
    chosen = _with_arguments(node or _image_defaults(), files, arguments)
    version, basis = version_of(inventory, _tag(container.image))
    return Falco(
        ref=workload.ref,
        id=workload.id,
        kind=_kind(workload),
        version=version,
        version_basis=basis,
        settings=chosen,
        config=config,
        config_text=text,
        pod=workload.pod,
        pod_pointer=workload.pod_pointer,
        files=files,
        selections=(*chosen.selections, *falco_yaml.from_arguments(arguments)),
        workload=workload,
    )


def _kind(workload: Workload) -> Kind:
    kinds: dict[str, Kind] = {"DaemonSet": "daemonset", "Pod": "pod"}
    return kinds.get(workload.manifest.kind, "deployment")


def _tag(image: str) -> str:
    found = IMAGE.search(image)
    return (found[1] or "").removesuffix("-debian") if found else ""


def version_of(
    inventory: Inventory, text: str
) -> tuple[Version, Literal["written", "assumed", "unknown"]]:
    """The version that a tag tells, else the one that the user says the cluster has."""
    version = parse_version(text)
    if version.is_known:
        return version, "written"
    assumed = inventory.assumed.get("falco")
    if assumed is not None and assumed.how == "configured":
        return parse_version(assumed.value), "assumed"
    return version, "unknown"


def _arguments(container: JsonObject) -> list[str]:
    words = [*sequence(container.get("command")), *sequence(container.get("args"))]
    found: list[str] = []
    for word in words:
        if isinstance(word, str):
            option, separator, value = word.partition("=")
            split = separator and option.startswith("--")
            found += [option, value] if split else [word]
    return found


def _value_of(arguments: Sequence[str], *options: str) -> str:
    for option, value in zip(arguments, [*arguments[1:], ""], strict=False):
        if option in options:
            return value
    return ""


def _image_defaults() -> Mapping:
    """What the falco.yaml of the image says, as far as it matters here."""
    found = falco_yaml.read("stdout_output: {enabled: true}\nsyslog_output: {enabled: true}\n")
    return found or Mapping()


def _with_arguments(node: Mapping, files: Filesystem, arguments: Sequence[str]) -> Settings:
    """The settings after config.d and the command line's `-o` and `-r`."""
    fragments = [falco_yaml.read(text.content) for text in files.folder(CONFIG_FOLDER)]
    whole = falco_yaml.merge(node, *(fragment for fragment in fragments if fragment))
    pairs = list(zip(arguments, [*arguments[1:], ""], strict=False))
    for option, value in pairs:
        key, separator, text = value.partition("=")
        if option == "-o" and separator:
            whole = _assigned(whole, key.strip().split("."), text.strip())
    chosen = falco_yaml.settings_of(whole)
    rules = tuple(value for option, value in pairs if option == "-r")
    return msgspec.structs.replace(chosen, rules_files=rules) if rules else chosen


def _assigned(node: Mapping, keys: Sequence[str], value: str) -> Mapping:
    entries = [(k, v) for k, v in node.entries if not (isinstance(k, Scalar) and k.text == keys[0])]
    if len(keys) == 1:
        inner: Mapping | Scalar = Scalar(value, plain=True)
    else:
        known = node.get(keys[0])
        inner = _assigned(known if isinstance(known, Mapping) else Mapping(), keys[1:], value)
    return Mapping([*entries, (Scalar(keys[0], plain=True), inner)])


def _operator(inventory: Inventory) -> Iterator[Falco]:
    for manifest in inventory.of("Falco", OPERATOR_GROUP):
        node = falco_yaml.read(_OPERATOR_DEFAULTS) or Mapping()
        fragments = (falco_yaml.read(text) for text in operator_configs(inventory, manifest))
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
            settings=msgspec.structs.replace(
                chosen, plugins=_operator_plugins(inventory, manifest)
            ),
            config="read",
            config_text=None,
            pod=_operator_pod(template if isinstance(template, dict) else {}, kind),
            pod_pointer="/spec/podTemplateSpec/spec",
            files=Filesystem(inventory, manifest.namespace, {}, {}),
            selections=chosen.selections,
        )


def _operator_pod(template: JsonObject, kind: str) -> JsonObject:
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


def _operator_plugins(inventory: Inventory, falco: Manifest) -> tuple[str, ...]:
    """The container plugin, which the operator always loads, and those of Plugin objects."""
    named = [
        strings(manifest.spec.get("config")).get("name") or manifest.name
        for manifest in inventory.of("Plugin", ARTIFACT_GROUP)
        if manifest.namespace == falco.namespace
    ]
    return tuple(sorted({"container", *named}))


def operator_configs(inventory: Inventory, falco: Manifest) -> list[str]:
    """The fragments of Config objects in their order: low priority numbers first."""
    from kguard.layers.runtime.facts.operator import ordered

    return [text.content for _, text in ordered(inventory, falco.namespace, "Config")]


def _lone_files(inventory: Inventory, used: set[str]) -> Iterator[Falco]:
    """Configurations that no workload of the input reads (files of a node)."""
    for document in inventory.documents:
        if document.id in used:
            continue
        if not is_falco_yaml(document.value):
            continue
        node = falco_yaml.read(document.text.text)
        if node is None:
            continue
        text = from_document(document)
        version, basis = version_of(inventory, "")
        chosen = falco_yaml.settings_of(node)
        yield Falco(
            ref=text.owner,
            id=document.id,
            kind="file",
            version=version,
            version_basis=basis,
            settings=chosen,
            config="read",
            config_text=text,
            pod={},
            pod_pointer="",
            files=Filesystem(inventory, "", {}, {}),
            selections=chosen.selections,
        )
