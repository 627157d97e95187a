# SPDX-License-Identifier: Apache-2.0
"""Which API servers does kubeadm make, directly or through kind and Cluster API?

Authority: kubeadm's API v1beta1 to v1beta4 (`apiServer.extraArgs` is a map, from v1beta4 on a list
of names and values in which the last of equal names wins), the volumes that kubeadm itself mounts
(kubernetes cmd/kubeadm/app/phases/controlplane/volumes.go), kind's v1alpha4 configuration (a patch
applies to the object of its kind, and of its apiVersion where it names one).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration, InlineFile, Mount
from kguard.layers.audit.facts.kubeadm_patches import (
    GROUP,
    Patch,
    beside,
    directories,
    patched,
)
from kguard.layers.audit.facts.texts import documents
from kguard.layers.audit.semantics.flags import Flag, normalized
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping, sequence, strings

LIST_DIALECT = "v1beta4"
_MAP_DIALECTS = ("v1beta1", "v1beta2", "v1beta3")
_OWN_MOUNTS = (
    "/etc/kubernetes/pki",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
)


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every API server of kubeadm, kind and Cluster API in the input."""
    for manifest in inventory.of("ClusterConfiguration", GROUP):
        found = _of_kubeadm(manifest)
        for folder in directories(inventory, found.file.rpartition("/")[0]):
            found = patched(found, folder, beside(inventory, folder))
        yield found
    for manifest in inventory.of("Cluster", "kind.x-k8s.io"):
        yield _of_kind(manifest)
    for manifest in inventory.of("KubeadmControlPlane", "controlplane.cluster.x-k8s.io"):
        yield _of_cluster_api(manifest)


def named(manifest: Manifest, name: str = "") -> ObjectRef:
    """The identity of a configuration object; one without a name goes by its file."""
    ref = manifest.ref
    label = ref.name or name or manifest.text.file.rpartition("/")[2]
    return ObjectRef(ref.api_version, ref.kind, ref.namespace, label, ref.cluster)


def stored_configuration(inventory: Inventory) -> Iterator[Configuration]:
    """The ClusterConfiguration that kubeadm keeps in the cluster: what was intended."""
    manifest = inventory.find("ConfigMap", "", "kube-system", "kubeadm-config")
    if manifest is None:
        return
    text = strings(manifest.object.get("data")).get("ClusterConfiguration", "")
    for value in documents(text):
        flags, mounts, unsure = read_api_server(value, "", inner=False)
        yield Configuration(
            ref=manifest.ref,
            id=manifest.id,
            how="kubeadm",
            flags=flags,
            version=_version(value),
            place="/data/ClusterConfiguration",
            mounts=mounts,
            unsure=unsure,
        )


def read_api_server(
    value: JsonObject, prefix: str, *, inner: bool = True
) -> tuple[tuple[Flag, ...], tuple[Mount, ...], str]:
    """Flags, mounts and doubts of a ClusterConfiguration.

    Args:
        value: the ClusterConfiguration.
        prefix: JSON pointer of it in its document.
        inner: whether pointers into it make sense (False for YAML inside of a string).
    """
    server = mapping(value.get("apiServer"))
    place = f"{prefix}/apiServer/extraArgs"
    arguments = server.get("extraArgs")
    flags = [flag if inner else Flag(flag.name, flag.value) for flag in _flags(arguments, place)]
    mounts = [Mount(path, path, "host", read_only=True) for path in _OWN_MOUNTS]
    for index, volume in enumerate(sequence(server.get("extraVolumes"))):
        fields = mapping(volume)
        texts = strings(fields)
        mounts.append(
            Mount(
                path=texts.get("mountPath", ""),
                source=texts.get("hostPath", ""),
                kind="host",
                read_only=fields.get("readOnly") is True,
                pointer=f"{prefix}/apiServer/extraVolumes/{index}" if inner else "",
            )
        )
    return tuple(flags), tuple(mounts), _dialect_problem(value, arguments)


def _of_kubeadm(manifest: Manifest) -> Configuration:
    flags, mounts, unsure = read_api_server(manifest.object, "")
    return Configuration(
        ref=named(manifest),
        id=manifest.id,
        how="kubeadm",
        file=manifest.text.file,
        flags=flags,
        version=_version(manifest.object),
        place="/apiServer/extraArgs",
        mounts=mounts,
        unsure=unsure,
    )


def _of_kind(manifest: Manifest) -> Configuration:
    flags: list[Flag] = []
    mounts: dict[str, Mount] = {path: Mount(path, path, "host") for path in _OWN_MOUNTS}
    doubts = []
    for place, text in patches(manifest.object):
        for patch in documents(text):
            if patch.get("kind") != "ClusterConfiguration":
                continue
            found, more, unsure = read_api_server(patch, "", inner=False)
            flags += [Flag(flag.name, flag.value, place) for flag in found]
            mounts.update({mount.path: mount for mount in more})
            doubts.append(unsure)
    if sequence(manifest.object.get("kubeadmConfigPatchesJSON6902")):
        doubts.append("kubeadmConfigPatchesJSON6902 may set more flags")
    return Configuration(
        ref=named(manifest),
        id=manifest.id,
        how="kind",
        file=manifest.text.file,
        flags=tuple(flags),
        place="/kubeadmConfigPatches",
        mounts=tuple(mounts.values()),
        outer=_node_mounts(manifest.object),
        unsure="; ".join(doubt for doubt in doubts if doubt),
    )


def patches(cluster: JsonObject) -> Iterator[tuple[str, str]]:
    """The texts of kubeadm patches with their pointers, in the order in which they apply."""
    for index, text in enumerate(sequence(cluster.get("kubeadmConfigPatches"))):
        if isinstance(text, str):
            yield pointer("kubeadmConfigPatches", index), text
    for number, node in enumerate(sequence(cluster.get("nodes"))):
        fields = mapping(node)
        if fields.get("role") != "control-plane":
            continue
        for index, text in enumerate(sequence(fields.get("kubeadmConfigPatches"))):
            if isinstance(text, str):
                yield pointer("nodes", number, "kubeadmConfigPatches", index), text


def _node_mounts(cluster: JsonObject) -> tuple[Mount, ...]:
    """What kind mounts from the user's machine into control-plane nodes."""
    found = []
    for node in sequence(cluster.get("nodes")):
        if mapping(node).get("role") == "control-plane":
            for entry in sequence(mapping(node).get("extraMounts")):
                texts = strings(entry)
                path, source = texts.get("containerPath", ""), texts.get("hostPath", "")
                found.append(Mount(path, source, "host"))
    return tuple(found)


def _of_cluster_api(manifest: Manifest) -> Configuration:
    place = "/spec/kubeadmConfigSpec"
    spec = mapping(manifest.spec.get("kubeadmConfigSpec"))
    value = mapping(spec.get("clusterConfiguration"))
    flags, mounts, _ = read_api_server(value, f"{place}/clusterConfiguration")
    files = []
    for index, entry in enumerate(sequence(spec.get("files"))):
        texts = strings(entry)
        if "content" in texts and "path" in texts:
            content = next(iter(documents(texts["content"])), None)
            files.append(InlineFile(texts["path"], content, f"{place}/files/{index}/content"))
    version = manifest.spec.get("version")
    found = Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how="cluster-api",
        file=manifest.text.file,
        flags=flags,
        version=version if isinstance(version, str) else "",
        place=f"{place}/clusterConfiguration",
        mounts=mounts,
        files=tuple(files),
    )
    for phase in ("initConfiguration", "joinConfiguration"):
        folder = strings(mapping(spec.get(phase)).get("patches")).get("directory", "")
        if folder and not found.patches:
            inside = [f for f in files if f.path.rpartition("/")[0] == folder.rstrip("/")]
            written = [Patch(f.path.rpartition("/")[2], f.value) for f in inside]
            found = patched(found, folder, sorted(written, key=lambda patch: patch.name))
    return found


def _flags(arguments: Any, place: str) -> Iterator[Flag]:
    if isinstance(arguments, dict):
        for name, value in arguments.items():
            yield Flag(normalized(str(name)), _text(value), place + pointer(name))
        return
    for index, entry in enumerate(sequence(arguments)):
        name = mapping(entry).get("name")
        if isinstance(name, str):
            value = _text(mapping(entry).get("value"))
            yield Flag(normalized(name), value, f"{place}/{index}")


def _text(value: Any) -> str:
    """A flag's value as kubeadm writes it on the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _dialect_problem(value: JsonObject, arguments: Any) -> str:
    dialect = str(value.get("apiVersion", "")).rpartition("/")[2]
    if isinstance(arguments, dict) and arguments and dialect == LIST_DIALECT:
        return "kubeadm v1beta4 refuses extraArgs that are no list of names and values"
    if isinstance(arguments, list) and arguments and dialect in _MAP_DIALECTS:
        return f"kubeadm {dialect} refuses extraArgs that are no map"
    return ""


def _version(value: JsonObject) -> str:
    version = value.get("kubernetesVersion")
    return version if isinstance(version, str) else ""
