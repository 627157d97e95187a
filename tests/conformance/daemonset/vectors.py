# SPDX-License-Identifier: Apache-2.0
"""Where did the real DaemonSet controller put pods, and where would we?"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.runtime.semantics.placement import Node, node_of, place

Point = tuple[str, Any, Any]
FOLDER = "daemonset"


def _clusters(folder: Path) -> Iterator[dict[str, Any]]:
    for line in gzip.decompress((folder / "clusters.ndjson.gz").read_bytes()).splitlines():
        yield json.loads(line)


def _pod(daemonset: dict[str, Any]) -> dict[str, Any]:
    return daemonset["spec"]["template"]["spec"]


def placements(folder: Path) -> Iterator[Point]:
    """Each node and DaemonSet: is there a pod?"""
    for cluster in _clusters(folder):
        nodes = [node_of(raw) for raw in cluster["nodes"]]
        for daemonset in _accepted(cluster):
            name = daemonset["metadata"]["name"]
            for node in nodes:
                recorded = node.name in cluster["pods"][name]
                ours = place(_pod(daemonset), node).runs
                yield f"{cluster['id']}/{name}/{node.name}", recorded, ours


def _accepted(cluster: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for daemonset in cluster["daemonsets"]:
        if daemonset["metadata"]["name"] in cluster["pods"]:
            yield daemonset


def changes(folder: Path) -> Iterator[Point]:
    """After nodes were changed under running DaemonSets: which pods are there?"""
    for cluster in _clusters(folder):
        if not cluster.get("then"):
            continue
        nodes = {node.name: node for node in map(node_of, cluster["nodes"])}
        nodes |= {node.name: node for node in map(node_of, cluster["then"]["nodes"])}
        for daemonset in _accepted(cluster):
            name = daemonset["metadata"]["name"]
            had = cluster["pods"][name]
            ours = [n for n in sorted(nodes) if _has(daemonset, nodes[n], had=n in had)]
            yield f"{cluster['id']}/{name}", sorted(cluster["then"]["pods"][name]), ours


def _has(daemonset: dict[str, Any], node: Node, *, had: bool) -> bool:
    found = place(_pod(daemonset), node)
    return found.runs or (had and found.stays)


SUITES = {"daemonset placements": placements, "daemonset after changes": changes}
