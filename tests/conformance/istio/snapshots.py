# SPDX-License-Identifier: Apache-2.0
"""How are recorded snapshots read? One JSON object a line: objects, settings, answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.mtls.semantics import peerauth

Point = tuple[str, Any, Any]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The snapshots of a file."""
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines():
        yield json.loads(line)


def kind(snapshot: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    """The objects of some kinds."""
    return [entry for entry in snapshot["objects"] if entry["kind"] in kinds]


def policies_of(snapshot: dict[str, Any]) -> list[peerauth.PeerAuthentication]:
    """The PeerAuthentications of a snapshot."""
    found = kind(snapshot, "PeerAuthentication")
    return [peerauth.parse(entry["metadata"]["namespace"], entry) for entry in found]


def root_of(snapshot: dict[str, Any]) -> str:
    """The root namespace of a snapshot."""
    return snapshot["meshConfig"].get("rootNamespace", "istio-system")
