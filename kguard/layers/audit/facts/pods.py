# SPDX-License-Identifier: Apache-2.0
"""Which pods of the input are API servers, and with which flags?

Authority: kubelet's expansion of `$(NAME)` in command and args (kubernetes
third_party/forked/golang/expansion), the entry point of the kube-apiserver image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.audit.facts.configuration import Configuration, InlineFile, Mount, MountKind
from kguard.layers.audit.facts.kubeadm_patches import is_patch
from kguard.layers.audit.facts.texts import documents
from kguard.layers.audit.semantics.flags import parse_arguments
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, mapping, sequence, strings

_PROGRAM = "kube-apiserver"
_REFERENCE = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_VOLUME_KINDS: dict[str, MountKind] = {
    "hostPath": "host",
    "persistentVolumeClaim": "host",
    "configMap": "inline",
    "secret": "inline",
    "projected": "inline",
    "emptyDir": "ephemeral",
}
_SHELLS = ("sh", "bash", "ash", "dash")


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every container of the input that runs kube-apiserver."""
    for workload in inventory.workloads:
        for container in workload.containers:
            found = _of_container(inventory, workload, container)
            if found is not None and not is_patch(inventory, found.file):
                yield found


def _of_container(
    inventory: Inventory, workload: Workload, container: Container
) -> Configuration | None:
    words = list(_words(container))
    image = container.image.rpartition("/")[2].partition("@")[0].partition(":")
    command = [word for word, _ in words if word is not None]
    shell = bool(command) and command[0].rpartition("/")[2] in _SHELLS
    starts = [i for i, (word, _) in enumerate(words) if _is_program(word)]
    if shell and any(_PROGRAM in word for word in command):
        words, unsure = [], "a shell script starts the API server"
    elif starts and starts[0] <= 1:
        words, unsure = words[starts[0] + 1 :], ""
    elif image[0] == _PROGRAM and not sequence(container.raw.get("command")):
        unsure = ""
    else:
        return None
    field = "command" if sequence(container.raw.get("command")) else "args"
    return Configuration(
        ref=workload.ref,
        id=workload.id,
        how="pod",
        file=workload.manifest.text.file,
        flags=tuple(parse_arguments(words)),
        version=image[2],
        place=f"{container.pointer}/{field}",
        mounts=tuple(_mounts(workload, container)),
        files=tuple(_files(inventory, workload, container)),
        unsure=unsure,
        replica_of=_plane(workload),
    )


def _plane(workload: Workload) -> str:
    """The control plane that a static or mirror pod is a server of."""
    labels = strings(mapping(workload.manifest.object.get("metadata")).get("labels"))
    if workload.namespace != "kube-system" or labels.get("component") != _PROGRAM:
        return ""
    return f"{workload.manifest.text.cluster}/kube-system"


def _is_program(word: str | None) -> bool:
    return word is not None and word.rpartition("/")[2] == _PROGRAM


def _words(container: Container) -> Iterator[tuple[str | None, str]]:
    environment = {
        name: mapping(entry).get("value", "" if "valueFrom" not in mapping(entry) else None)
        for entry in sequence(container.raw.get("env"))
        if isinstance(name := mapping(entry).get("name"), str)
    }
    for field in ("command", "args"):
        for index, word in enumerate(sequence(container.raw.get(field))):
            if isinstance(word, str):
                place = f"{container.pointer}/{field}/{index}"
                for part in _expanded(word, environment):
                    yield part, place


def _expanded(word: str, environment: dict[str, Any]) -> list[str | None]:
    """A word with its variables; a value that is only known at run time is a None of its own.

    A reference to a variable that the container does not define stays as it is.
    """
    text = word.replace("$$", "\0")
    names = [name for name in _REFERENCE.findall(text) if name in environment]
    if any(not isinstance(environment[name], str) for name in names):
        flag, equals, _ = text.partition("=")
        return [flag, None] if equals and "$(" not in flag else [None]
    for name in names:
        text = text.replace(f"$({name})", environment[name])
    return [text.replace("\0", "$")]


def _mounts(workload: Workload, container: Container) -> Iterator[Mount]:
    volumes = _volumes(workload)
    for index, entry in enumerate(sequence(container.raw.get("volumeMounts"))):
        fields = mapping(entry)
        texts = strings(fields)
        volume = volumes.get(texts.get("name", ""), {})
        source = strings(volume.get("hostPath")).get("path", "")
        kinds = (kind for field, kind in _VOLUME_KINDS.items() if field in volume)
        yield Mount(
            path=texts.get("mountPath", ""),
            source="/".join(part for part in (source, texts.get("subPath", "")) if part),
            kind=next(kinds, "unknown"),
            read_only=fields.get("readOnly") is True,
            pointer=f"{container.pointer}/volumeMounts/{index}",
        )


def _files(inventory: Inventory, workload: Workload, container: Container) -> Iterator[InlineFile]:
    """Files that a ConfigMap of the input mounts into the container."""
    volumes = _volumes(workload)
    for entry in sequence(container.raw.get("volumeMounts")):
        texts = strings(entry)
        source = mapping(volumes.get(texts.get("name", ""), {}).get("configMap"))
        name = source.get("name")
        if not isinstance(name, str):
            continue
        manifest = inventory.find("ConfigMap", "", workload.namespace, name)
        if manifest is None:
            continue
        for key, text in strings(manifest.object.get("data")).items():
            path = texts.get("mountPath", "").rstrip("/")
            sub = texts.get("subPath")
            value = next(iter(documents(text)), None)
            if sub in (None, key):
                yield InlineFile(
                    path if sub else f"{path}/{key}", value, pointer("data", key), manifest.id
                )


def _volumes(workload: Workload) -> dict[str, JsonObject]:
    found = {}
    for entry in sequence(workload.pod.get("volumes")):
        name = mapping(entry).get("name")
        if isinstance(name, str):
            found[name] = mapping(entry)
    return found
