# SPDX-License-Identifier: Apache-2.0
"""What do kubeadm's patches change about the API server that its configuration describes?

Authority: kubernetes cmd/kubeadm/app/util/patches (files `target[suffix][+patchtype].extension` of
the folder that InitConfiguration, JoinConfiguration or UpgradeConfiguration names, in the order of
their names), strategic merge of pods (containers by name, mounts by path, `command` and `args` as a
whole), RFC 7386 (lists as a whole) and RFC 6902.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import structs

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration, Mount
from kguard.layers.audit.semantics.flags import parse_arguments
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

GROUP = "kubeadm.k8s.io"
_HOLDERS = ("InitConfiguration", "JoinConfiguration", "UpgradeConfiguration")
_FILE = re.compile(r"kube-apiserver[^+/]*(?:\+(?P<type>strategic|merge|json))?\.(?:json|yaml)")
_CONTAINER = "/spec/containers/0"
_PROGRAM = "kube-apiserver"


class Patch(NamedTuple):
    """A file of the folder of patches."""

    name: str
    value: Any


def directories(inventory: Inventory, folder: str | None = None) -> list[str]:
    """The folders of patches that configurations of kubeadm name.

    Args:
        inventory: of the input.
        folder: where these configurations lie; None for all.
    """
    every = (manifest for kind in _HOLDERS for manifest in inventory.of(kind, GROUP))
    holders = [m for m in every if folder in (None, m.text.file.rpartition("/")[0])]
    places = [fields for one in holders for fields in (one.object, *map(mapping, _phases(one)))]
    found = {strings(fields.get("patches")).get("directory", "") for fields in places}
    return sorted(found - {""})


def is_patch(inventory: Inventory, file: str) -> bool:
    """Whether a file of the input is a patch, and no pod of its own."""
    folder, _, name = file.rpartition("/")
    named = {_base(directory) for directory in directories(inventory)}
    return _base(folder) in named and _FILE.fullmatch(name) is not None


def _base(directory: str) -> str:
    return directory.rstrip("/").rpartition("/")[2]


def _phases(manifest: Manifest) -> list[Any]:
    """UpgradeConfiguration names the folder for each of its steps."""
    return [manifest.object.get("apply"), manifest.object.get("node")]


def beside(inventory: Inventory, directory: str) -> list[Patch]:
    """The files of the input that lie in a folder of the same name."""
    found = [(document.text.file, document.value) for document in inventory.documents]
    found += [(manifest.text.file, manifest.object) for manifest in inventory]
    files = [(*file.rpartition("/")[::2], value) for file, value in found]
    inside = [Patch(name, v) for folder, name, v in files if _base(folder) == _base(directory)]
    return sorted(inside, key=lambda patch: patch.name)


def patched(configuration: Configuration, directory: str, files: list[Patch]) -> Configuration:
    """The configuration with the patches of a folder; unsure where the folder is not there."""
    if not files:
        reason = f"kubeadm applies patches from {directory}, which is not in the input"
        return structs.replace(configuration, unsure=configuration.unsure or reason)
    for patch in files:
        found = _FILE.fullmatch(patch.name)
        if found is not None:
            configuration = _applied(configuration, patch, found["type"] or "strategic")
    return configuration


def _applied(configuration: Configuration, patch: Patch, kind: str) -> Configuration:
    names = (*configuration.patches, patch.name)
    configuration = structs.replace(configuration, patches=names)
    if not isinstance(patch.value, list if kind == "json" else dict):
        reason = f"kubeadm's patch {patch.name} cannot be read"
        return structs.replace(configuration, unsure=configuration.unsure or reason)
    if kind == "json":
        for operation in map(mapping, sequence(patch.value)):
            configuration = _operated(configuration, operation, patch.name)
        return configuration
    spec = mapping(mapping(patch.value).get("spec"))
    entries = [mapping(entry) for entry in sequence(spec.get("containers"))]
    chosen = [entry for entry in entries if entry.get("name", _PROGRAM) == _PROGRAM]
    for entry in chosen[:1]:
        configuration = _merged(configuration, spec, entry, whole=kind == "merge")
    return configuration


def _merged(
    configuration: Configuration, spec: JsonObject, container: JsonObject, *, whole: bool
) -> Configuration:
    """A merge patch's container; `whole`: its lists replace those that are there."""
    flags, mounts = configuration.flags, configuration.mounts or ()
    if "command" in container:
        flags = tuple(parse_arguments(_words(container["command"])))
    if "args" in container:
        flags = (*flags, *parse_arguments(_words(container["args"])))
    added = tuple(_mounts(container.get("volumeMounts"), spec.get("volumes")))
    if "volumeMounts" in container and whole:
        mounts = added
    else:
        paths = {mount.path for mount in added}
        mounts = (*(mount for mount in mounts if mount.path not in paths), *added)
    return structs.replace(configuration, flags=flags, mounts=mounts)


def _operated(configuration: Configuration, operation: JsonObject, name: str) -> Configuration:
    """One step of a JSON patch: words and mounts that it adds; anything else about them is open."""
    path, value = strings(operation).get("path", ""), operation.get("value")
    place, _, last = path.rpartition("/")
    adds = operation.get("op") == "add"
    if adds and place in (f"{_CONTAINER}/command", f"{_CONTAINER}/args") and last == "-":
        flags = (*configuration.flags, *parse_arguments(_words([value])))
        return structs.replace(configuration, flags=flags)
    if adds and place == f"{_CONTAINER}/volumeMounts":
        mounts = (*(configuration.mounts or ()), *_mounts([value], ()))
        return structs.replace(configuration, mounts=mounts)
    if adds and place == "/spec/volumes":
        return structs.replace(configuration, mounts=tuple(_sourced(configuration, mapping(value))))
    if path.startswith((f"{_CONTAINER}/command", f"{_CONTAINER}/args", f"{_CONTAINER}/volumeM")):
        reason = f"kubeadm's patch {name} changes words of the command by their place"
        return structs.replace(configuration, unsure=configuration.unsure or reason)
    return configuration


def _words(value: Any) -> list[tuple[str | None, str]]:
    return [(word, "") for word in sequence(value) if isinstance(word, str)]


def _mounts(entries: Any, volumes: Any) -> Iterator[Mount]:
    """Mounts of a patch; one whose volume the patch does not bring keeps the volume's name."""
    sources = {
        strings(volume).get("name", ""): strings(mapping(volume).get("hostPath")).get("path", "")
        for volume in sequence(volumes)
    }
    for entry in sequence(entries):
        texts = strings(entry)
        name = texts.get("name", "")
        source = sources.get(name, "")
        yield Mount(
            path=texts.get("mountPath", ""),
            source=source,
            kind="host" if source else "unknown",
            read_only=mapping(entry).get("readOnly") is True,
            volume="" if source else name,
        )


def _sourced(configuration: Configuration, volume: JsonObject) -> Iterable[Mount]:
    """The mounts, with the source of those that wait for this volume."""
    source = strings(volume.get("hostPath")).get("path", "")
    for mount in configuration.mounts or ():
        mine = source and mount.volume == strings(volume).get("name")
        yield structs.replace(mount, source=source, kind="host", volume="") if mine else mount
