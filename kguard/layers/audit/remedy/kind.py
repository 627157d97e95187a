# SPDX-License-Identifier: Apache-2.0
"""Which edits make a kind cluster audited?

Authority: kind's page on auditing: a folder of the user's machine is mounted into the node
(`extraMounts`), and a kubeadm patch mounts it into the API server and sets its flags. A patch is a
text inside of the configuration; it is written anew with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.audit.facts.configuration import Configuration, mount_of
from kguard.layers.audit.facts.kubeadm import patches
from kguard.layers.audit.facts.texts import documents
from kguard.layers.audit.remedy.dialects import Volume, appended, at, kubeadm_operations
from kguard.layers.audit.remedy.inline import changed_value
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence
from kguard.model.remedies import Operation

CONFIGURATION = "ClusterConfiguration"


def kind_operations(
    holder: Manifest, configuration: Configuration, flags: dict[str, str], volumes: list[Volume]
) -> Iterator[Operation]:
    """The edits of one kind cluster."""
    if flags or volumes:
        yield from _patch(holder.object, flags, volumes)
    path = flags.get("audit-policy-file", "")
    if path and mount_of(path, configuration.outer) is None:
        yield from _mounted(holder.object, path)


def _patch(
    cluster: JsonObject, flags: dict[str, str], volumes: list[Volume]
) -> Iterator[Operation]:
    from kguard.sources.yaml.emit import emit

    for place, text in patches(cluster):
        found = documents(text)
        if len(found) == 1 and found[0].get("kind") == CONFIGURATION:
            edits = kubeadm_operations(found[0], "", flags, volumes, listed=_listed(found[0]))
            yield Operation("replace", place, emit(changed_value(found[0], list(edits))))
            return
    fresh: JsonObject = {"kind": CONFIGURATION}
    edits = kubeadm_operations(fresh, "", flags, volumes, listed=False)
    text = emit(changed_value(fresh, list(edits)))
    yield from appended(cluster, "", "kubeadmConfigPatches", [text])


def _listed(patch: JsonObject) -> bool:
    return isinstance(at(patch, "/apiServer/extraArgs"), list)


def _mounted(cluster: JsonObject, path: str) -> Iterator[Operation]:
    """The policy of the user's machine, in every node of the control plane."""
    name = path.rpartition("/")[2]
    mount: dict[str, Any] = {"hostPath": f"./{name}", "containerPath": path, "readOnly": True}
    nodes = sequence(cluster.get("nodes"))
    if not nodes:
        yield Operation("add", "/nodes", [{"role": "control-plane", "extraMounts": [mount]}])
    for index, node in enumerate(nodes):
        if mapping(node).get("role") == "control-plane":
            yield from appended(mapping(node), f"/nodes/{index}", "extraMounts", [mount])
