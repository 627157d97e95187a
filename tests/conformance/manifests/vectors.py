# SPDX-License-Identifier: Apache-2.0
"""What did a real API server do with a NetworkPolicy, and what do we say it does?"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.inventory.identity import identify
from kguard.layers.manifests.facts.problems import judge
from kguard.layers.manifests.semantics.shape import Problem
from kguard.model.manifests import Collected, SourceText
from kguard.sources.reading import parse

Point = tuple[str, Any, Any]
FOLDER = "apiserver-networkpolicy"


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    data = gzip.decompress((folder / "networkpolicy.ndjson.gz").read_bytes())
    for line in data.splitlines():
        yield json.loads(line)


def _text(record: dict[str, Any]) -> str:
    return next(record[key] for key in ("manifest", "yaml", "input", "text") if key in record)


def _problems(record: dict[str, Any]) -> list[Problem]:
    collected = Collected()
    parse(_text(record).encode(), SourceText("p.yaml", 0, 1, ""), collected)
    manifests, _ = identify(collected.manifests, "np")
    return [problem for manifest in manifests for problem in judge(manifest, ())]


def strict(folder: Path) -> Iterator[Point]:
    """`kubectl apply` as everyone types it: unknown fields are refused."""
    for record in _records(folder):
        yield record["id"], record["client_default"]["accepted"], not _problems(record)


def lenient(folder: Path) -> Iterator[Point]:
    """A client that does not ask for strict validation: unknown fields are dropped."""
    for record in _records(folder):
        refused = [p for p in _problems(record) if p.sort != "unknown_field"]
        yield record["id"], record["client_ignore"]["accepted"], not refused


SUITES = {"manifests networkpolicy strict": strict, "manifests networkpolicy lenient": lenient}
