# SPDX-License-Identifier: Apache-2.0
"""Where in the input is a Falco, and which configuration does it read?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, cast

import msgspec

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.runtime.facts.chart import chart_falcos
from kguard.layers.runtime.facts.falco import CONFIG_FOLDER, CONFIG_PATH, Falco, version_of
from kguard.layers.runtime.facts.operator import operator_falcos
from kguard.layers.runtime.facts.texts import Filesystem, from_document
from kguard.layers.runtime.facts.variables import Variables
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.configuration import (
    assigned,
    included,
    includes,
    with_variables,
)
from kguard.layers.runtime.semantics.settings import Settings
from kguard.layers.runtime.traces import (
    IMAGE,
    falco_container,
    is_falco_yaml,
)
from kguard.model.facts.runtime import Kind
from kguard.model.manifests import JsonObject, sequence
from kguard.sources.yaml.untyped import Mapping


def discover(inventory: Inventory) -> list[Falco]:
    """Every Falco, by namespace, kind and name; lone configuration files last."""
    found = [*_workloads(inventory), *operator_falcos(inventory), *chart_falcos(inventory)]
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
    known = Variables(inventory, workload.namespace, container.raw)
    whole, complete = _complete(node or _image_defaults(), files, known, arguments)
    config: Literal["read", "default", "unknown"] = "read" if node else "default"
    if not complete or (node is None and (text is not None or files.is_opaque(path))):
        config = "unknown"
    chosen = _with_rules(falco_yaml.settings_of(whole), arguments)
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
    return falco_yaml.read(_IMAGE_DEFAULTS) or Mapping()


_IMAGE_DEFAULTS = f"""\
config_files: [{CONFIG_FOLDER}]
stdout_output: {{enabled: true}}
syslog_output: {{enabled: true}}
syscall_event_drops: {{actions: [log, alert]}}
webserver: {{enabled: true}}
"""


def _complete(
    node: Mapping, files: Filesystem, known: Variables, arguments: Sequence[str]
) -> tuple[Mapping, bool]:
    """The configuration with what it includes and the command line's `-o`; whether all is known."""
    complete = True
    whole = cast("Mapping", with_variables(node, known.value))
    for include in includes(whole):
        found = files.read(include.path)
        texts = [found] if found else files.folder(include.path)
        complete &= bool(texts) or not files.is_opaque(include.path)
        for text in texts:
            fragment = falco_yaml.read(text.content)
            if fragment is not None:
                fragment = cast("Mapping", with_variables(fragment, known.value))
                whole = included(whole, fragment, include.strategy)
    for option, value in zip(arguments, [*arguments[1:], ""], strict=False):
        if option == "-o":
            whole = assigned(whole, value)
    return whole, complete


def _with_rules(chosen: Settings, arguments: Sequence[str]) -> Settings:
    """The settings with the rules files of the command line, which stand for all others."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)
    rules = tuple(value for option, value in pairs if option == "-r")
    return msgspec.structs.replace(chosen, rules_files=rules) if rules else chosen


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
