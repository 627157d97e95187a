# SPDX-License-Identifier: Apache-2.0
"""How does each kind of configuration write flags and volumes?

Authority: kubeadm's API (`extraArgs` is a list of names and values from v1beta4 on, a map before;
`extraVolumes`), the pod spec, the configuration files of k3s and RKE2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration
from kguard.layers.audit.facts.kubeadm import LIST_DIALECT
from kguard.layers.audit.semantics.flags import effective
from kguard.model.locations import pointer, pointer_tokens
from kguard.model.manifests import Manifest, PlainDocument, mapping, sequence, strings
from kguard.model.remedies import Operation

NOT_EDITABLE = {
    "script": "kubeadm init has no audit flags: start it with --config and a ClusterConfiguration"
    " that has apiServer.extraArgs audit-policy-file and audit-log-path and their extraVolumes",
    "talos": "put the policy into cluster.apiServer.auditPolicy",
    "openshift": "choose another profile in spec.audit.profile",
}
"""Kinds of configuration that are not edited, with what to do instead."""


class Volume(NamedTuple):
    """A folder of the node that the server's container must see at the same path."""

    name: str
    path: str
    read_only: bool


def operations(
    inventory: Inventory,
    configuration: Configuration,
    flags: dict[str, str],
    volumes: list[Volume],
) -> tuple[Operation, ...]:
    """The edits of one configuration."""
    holder = inventory.by_id(configuration.id)
    if isinstance(holder, PlainDocument):
        rke2 = configuration.how == "rke2"
        return tuple(settings_operations(holder.value, configuration, flags, "", rke2=rke2))
    if not isinstance(holder, Manifest):
        return ()
    if configuration.how == "pod":
        return tuple(_pod(holder, configuration, flags, volumes))
    prefix = configuration.place.removesuffix("/apiServer/extraArgs")
    listed = holder.api_version.endswith(("/" + LIST_DIALECT, "cluster.x-k8s.io/v1beta2"))
    return tuple(kubeadm_operations(holder.object, prefix, flags, volumes, listed=listed))


def kubeadm_operations(
    value: Any, prefix: str, flags: dict[str, str], volumes: list[Volume], *, listed: bool
) -> Iterator[Operation]:
    """The edits of a ClusterConfiguration; `listed`: extraArgs is a list of names and values."""
    server = at(value, f"{prefix}/apiServer")
    written = [_extra_volume(volume) for volume in volumes]
    if not isinstance(server, dict):
        body: dict[str, Any] = {"extraArgs": _arguments(flags, listed=listed)}
        yield Operation("add", f"{prefix}/apiServer", {**body, "extraVolumes": written})
        return
    place = f"{prefix}/apiServer/extraArgs"
    given = server.get("extraArgs")
    if not given:
        if flags:
            yield Operation("add", place, _arguments(flags, listed=listed))
    elif isinstance(given, dict):
        for name, text in flags.items():
            yield Operation("replace" if name in given else "add", place + pointer(name), text)
    else:
        yield from _listed(sequence(given), place, flags)
    yield from appended(server, f"{prefix}/apiServer", "extraVolumes", written)


def _arguments(flags: dict[str, str], *, listed: bool) -> Any:
    if listed:
        return [{"name": name, "value": text} for name, text in flags.items()]
    return dict(flags)


def _listed(given: list[Any], place: str, flags: dict[str, str]) -> Iterator[Operation]:
    known = {strings(entry).get("name", ""): index for index, entry in enumerate(given)}
    added = 0
    for name, text in flags.items():
        if name in known:
            yield Operation("replace", f"{place}/{known[name]}/value", text)
        else:
            entry = {"name": name, "value": text}
            yield Operation("add", f"{place}/{len(given) + added}", entry)
            added += 1


def _extra_volume(volume: Volume) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": volume.name,
        "hostPath": volume.path,
        "mountPath": volume.path,
    }
    if volume.read_only:
        found["readOnly"] = True
    return {**found, "pathType": "DirectoryOrCreate"}


def appended(
    holder: dict[str, Any], place: str, field: str, entries: list[Any]
) -> Iterator[Operation]:
    """Entries at the end of a list that may not be there yet."""
    given = holder.get(field)
    if entries and not given:
        yield Operation("add", f"{place}/{field}", entries)
    elif entries:
        for number, entry in enumerate(entries):
            yield Operation("add", f"{place}/{field}/{len(sequence(given)) + number}", entry)


def _pod(
    holder: Manifest, configuration: Configuration, flags: dict[str, str], volumes: list[Volume]
) -> Iterator[Operation]:
    container, _, field = configuration.place.rpartition("/")
    words = sequence(at(holder.object, configuration.place))
    known = effective(configuration.flags)
    added = 0
    for name, text in flags.items():
        word = f"--{name}={text}"
        flag = known.get(name)
        if flag and flag.pointer and "=" in str(at(holder.object, flag.pointer)):
            yield Operation("replace", flag.pointer, word)
        else:
            yield Operation("add", f"{container}/{field}/{len(words) + added}", word)
            added += 1
    mounts: list[Any] = [
        {"name": v.name, "mountPath": v.path, **({"readOnly": True} if v.read_only else {})}
        for v in volumes
    ]
    sources: list[Any] = [
        {"name": v.name, "hostPath": {"path": v.path, "type": "DirectoryOrCreate"}} for v in volumes
    ]
    spec = "/".join(container.split("/")[:-2])
    yield from appended(at(holder.object, container), container, "volumeMounts", mounts)
    yield from appended(at(holder.object, spec), spec, "volumes", sources)


def settings_operations(
    value: Any, configuration: Configuration, flags: dict[str, str], prefix: str, *, rke2: bool
) -> Iterator[Operation]:
    """The edits of a configuration of k3s or RKE2, which stands at `prefix` of a document."""
    fields = mapping(at(value, prefix))
    wanted = dict(flags)
    if rke2 and "audit-policy-file" in wanted:
        yield Operation("add", f"{prefix}/audit-policy-file", wanted.pop("audit-policy-file"))
        wanted.pop("audit-log-path", None)
    known = effective(configuration.flags)
    missing = []
    for name, text in wanted.items():
        flag = known.get(name)
        if flag and flag.pointer:
            yield Operation("replace", flag.pointer, f"{name}={text}")
        else:
            missing.append(f"{name}={text}")
    given = fields.get("kube-apiserver-arg")
    if isinstance(given, str) and missing:
        yield Operation("replace", f"{prefix}/kube-apiserver-arg", [given, *missing])
    else:
        yield from appended(fields, prefix, "kube-apiserver-arg", missing)


def placed(value: Any, place: tuple[str, ...], content: Any) -> Operation:
    """The edit that puts something at a place, with whatever above it is missing.

    Entries of a list come after those that are there.
    """
    for depth, field in enumerate(place):
        inner = mapping(value).get(field)
        if inner is None:
            for missing in reversed(place[depth + 1 :]):
                content = {missing: content}
            op: Literal["add", "replace"] = "replace" if field in mapping(value) else "add"
            return Operation(op, pointer(*place[: depth + 1]), content)
        value = inner
    if isinstance(value, list) and isinstance(content, list):
        return Operation("add", pointer(*place, len(value)), content[0])
    return Operation("replace", pointer(*place), content)


def at(value: Any, place: str) -> Any:
    """What stands at a JSON pointer; None where nothing does."""
    for token in pointer_tokens(place):
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value
