# SPDX-License-Identifier: Apache-2.0
"""What does `kguard runtime coverage` answer?"""

from __future__ import annotations

import fnmatch
from collections import Counter
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.nodes import watching
from kguard.layers.runtime.semantics.placement import Placement, node_of, place
from kguard.model.manifests import JsonObject, ObjectRef, mapping


def list_coverage(inventory: Inventory, pattern: str) -> list[dict[str, Any]]:
    """Each DaemonSet and node: is there a pod, and if not, what is in the way?

    Args:
        inventory: DaemonSets and Nodes.
        pattern: glob of DaemonSet names, alone or as `namespace/name`; empty for Falco's.

    Returns:
        Rows by DaemonSet and node; where several have one name, they are called `namespace/name`.
    """
    nodes = [node_of(manifest.object) for manifest in inventory.of("Node")]
    chosen = _daemonsets(inventory, pattern)
    names = Counter(ref.name for ref, _ in chosen)
    rows = []
    for ref, pod in chosen:
        name = ref.name if names[ref.name] == 1 else f"{ref.namespace}/{ref.name}"
        for node in nodes:
            found = place(pod, node)
            rows.append(
                {
                    "daemonset": name,
                    "node": node.name,
                    "covered": found.runs,
                    "reason": _reason(found),
                }
            )
    return sorted(rows, key=lambda row: (row["daemonset"], row["node"]))


def _daemonsets(inventory: Inventory, pattern: str) -> list[tuple[ObjectRef, JsonObject]]:
    if not pattern:
        pods = {falco.ref: falco.pod for falco in watching(discover(inventory))}
        return list(pods.items())
    found = []
    for manifest in inventory.of("DaemonSet", "apps"):
        names = (manifest.name, f"{manifest.namespace}/{manifest.name}")
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            template = mapping(manifest.spec.get("template"))
            found.append((manifest.ref, mapping(template.get("spec"))))
    return found


def _reason(found: Placement) -> str:
    match found.obstacle:
        case "none":
            return ""
        case "taint":
            return f"taint {found.detail} is not tolerated"
        case "node_name":
            return f"nodeName is {found.detail}"
        case "node_selector":
            return f"nodeSelector {found.detail}"
        case "affinity":
            return f"node affinity: {found.detail}"
