# SPDX-License-Identifier: Apache-2.0
"""Which object is which: effective namespaces, ids, and definitions of the same object?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from kguard.inventory.overlay import applied
from kguard.inventory.scopes import CLUSTER_SCOPED_GROUPS, cluster_scoped
from kguard.model.manifests import Manifest, mapping


def identify(
    manifests: Iterable[Manifest], namespace: str
) -> tuple[list[Manifest], list[Manifest]]:
    """Fill in kind, namespace, name and id, and order the manifests by identity.

    An omitted namespace is `namespace`, the release or target namespace that the user gave. Of
    several definitions of one object the last one in the order of file names wins, as with
    `kubectl apply -f FOLDER`; what an overlay replaces counts as no definition.

    Returns:
        The effective manifests and the definitions that they replace.
    """
    everything = list(manifests)
    for manifest in everything:
        _names(manifest)
    crds = (m.object for m in everything if m.kind == "CustomResourceDefinition")
    unscoped = cluster_scoped(crds)
    for manifest in everything:
        _place(manifest, unscoped, namespace)
    everything = applied(everything)
    everything.sort(key=_order)
    effective: list[Manifest] = []
    shadowed: list[Manifest] = []
    for _, group in groupby(everything, key=_identity):
        *earlier, last = group
        effective.append(last)
        for number, manifest in enumerate(reversed(earlier), start=2):
            manifest.id = f"{last.id}#{number}"
            shadowed.append(manifest)
    return effective, shadowed


def _names(manifest: Manifest) -> None:
    source = manifest.object
    version, kind = source.get("apiVersion"), source.get("kind")
    manifest.api_version = version if isinstance(version, str) else ""
    manifest.kind = kind if isinstance(kind, str) else ""
    metadata = mapping(source.get("metadata"))
    name = metadata.get("name") or metadata.get("generateName")
    manifest.name = name if isinstance(name, str) else ""


def _place(manifest: Manifest, unscoped: frozenset[tuple[str, str]], namespace: str) -> None:
    pair = (manifest.kind, manifest.group)
    if pair in unscoped or manifest.group in CLUSTER_SCOPED_GROUPS:
        manifest.namespace = ""
    else:
        declared = manifest.metadata.get("namespace")
        otherwise = manifest.text.namespace or namespace
        manifest.namespace = declared if isinstance(declared, str) and declared else otherwise
    group = manifest.group
    kind = f"{manifest.kind}.{group}" if group else manifest.kind
    manifest.id = f"{kind}/{manifest.namespace or '-'}/{manifest.name}"
    if not manifest.name:
        # A configuration file (kubeadm, an audit policy): only its place tells it from others.
        text = manifest.text
        manifest.id += f"@{text.file}:{text.index}{manifest.pointer}"


_identity = attrgetter("text.cluster", "id")


def _order(manifest: Manifest) -> tuple[str, str, str, str, str, str, int, str]:
    text = manifest.text
    return (
        text.cluster,
        manifest.kind,
        manifest.group,
        manifest.namespace,
        manifest.name,
        text.file,
        text.index,
        manifest.pointer,
    )
