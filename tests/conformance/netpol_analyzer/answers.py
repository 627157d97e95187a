# SPDX-License-Identifier: Apache-2.0
"""What did netpol-analyzer answer, and what do we say? (id, recorded, ours) for each case."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.network.rows import listing
from kguard.layers.network.semantics.profiles import NETPOL_ANALYZER
from tests.objects import folder_inventory, inventory

Case = tuple[str, frozenset[str], frozenset[str]]

REFUSES = frozenset({"refuses the input"})
_END = "_connlist_output."


def goldens(shared: Path) -> Iterator[Case]:
    """The tool's own expectations: text and JSON of each folder."""
    folder = shared / "conformance" / "netpol-analyzer"
    for path in sorted((folder / "expected").glob(f"*{_END}*")):
        name, _, form = path.name.partition(_END)
        recorded = _rows_of_json(path) if form == "json" else _rows(path.read_text())
        yield f"{name}.{form}", recorded, _ours(folder_inventory(folder / "tests" / name))


def random_clusters(shared: Path) -> Iterator[Case]:
    """Recorded answers to seeded random clusters."""
    for case in random_cases(shared):
        recorded = REFUSES if case["exit"] else _rows(case["list_txt"])
        yield case["id"], recorded, _ours(inventory(case["manifests"]))


def random_cases(shared: Path) -> Iterator[dict[str, Any]]:
    """The cases of the random clusters as they were recorded."""
    path = shared / "conformance" / "netpol-random" / "list.ndjson.gz"
    yield from map(json.loads, gzip.decompress(path.read_bytes()).splitlines())


def skips(name: str) -> dict[str, str]:
    """The known disagreements of a suite (`goldens` or `random`), with the reason."""
    text = Path(__file__).with_name("skips.toml").read_text()
    found: dict[str, str] = {}
    for entry in tomllib.loads(text)[name]:
        found |= dict.fromkeys(entry["ids"], entry["reason"])
    return found


SUITES = {"goldens": goldens, "random": random_clusters}


def _rows(text: str) -> frozenset[str]:
    """The connections; where there are several networks, a mapping of workloads follows them."""
    return frozenset(line for line in text.splitlines() if " => " in line)


def _rows_of_json(path: Path) -> frozenset[str]:
    rows = json.loads(path.read_text())
    return frozenset(f"{row['src']} => {row['dst']} : {row['conn']}" for row in rows)


def _ours(found: Inventory) -> frozenset[str]:
    answer = listing(found, NETPOL_ANALYZER)
    return REFUSES if answer.refused else frozenset(map(str, answer.rows))
