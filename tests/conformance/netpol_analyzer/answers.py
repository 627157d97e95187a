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
from kguard.layers.network.changes import NONE, changes
from kguard.layers.network.exposure import as_text, exposure
from kguard.layers.network.rows import listing
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import NETPOL_ANALYZER
from tests.conformance.netpol_analyzer.explanations import explained
from tests.objects import folder_inventory, inventory

Case = tuple[str, frozenset[str], frozenset[str]]

REFUSES = frozenset({"refuses the input"})
_EXPLAIN = "_explain_output.txt"
_EXPOSURE = "_exposure_output.txt"
_DIFF = "diff_between_"
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


def golden_changes(shared: Path) -> Iterator[Case]:
    """The tool's own expectations about two folders."""
    folder = shared / "conformance" / "netpol-analyzer"
    for path in sorted((folder / "expected").glob(f"{_DIFF}*.txt")):
        head, _, base = path.stem.removeprefix(_DIFF).partition("_and_")
        sides = [folder_inventory(folder / "tests" / name) for name in (base, head)]
        recorded = path.read_text().replace("ref1:", "dir1:").replace("ref2:", "dir2:")
        yield path.stem, _lines(recorded), _changes(*sides)


def random_changes(shared: Path) -> Iterator[Case]:
    """Recorded answers about two seeded random clusters."""
    path = shared / "conformance" / "netpol-random" / "diff.ndjson.gz"
    for case in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
        recorded = REFUSES if case["exit"] else _lines(case["diff_txt"])
        yield case["id"], recorded, _changes(inventory(case["base"]), inventory(case["head"]))


def _lines(text: str) -> frozenset[str]:
    return frozenset(line for line in text.splitlines() if line.startswith("diff-type"))


def _changes(base: Inventory, head: Inventory) -> frozenset[str]:
    if any(Cluster(side, NETPOL_ANALYZER).refused for side in (base, head)):
        return REFUSES
    found = changes(base, head, NETPOL_ANALYZER).flows
    return frozenset(
        f"diff-type: {c.kind}, source: {c.src}, destination: {c.dst}, dir1: {c.base}, "
        f"dir2: {c.head}" + (f", workloads-diff-info: {c.workloads}" if c.workloads else "")
        for c in found
    )


def golden_exposure(shared: Path) -> Iterator[Case]:
    """The tool's own expectations about peers that are not in the input."""
    folder = shared / "conformance" / "netpol-analyzer"
    for path in sorted((folder / "expected").glob(f"*{_EXPOSURE}")):
        name = path.name.removesuffix(_EXPOSURE)
        yield name, _plain(path.read_text()), _exposure(folder_inventory(folder / "tests" / name))


def random_exposure(shared: Path) -> Iterator[Case]:
    """Recorded answers to seeded random clusters."""
    for case in random_cases(shared):
        recorded = REFUSES if case["exposure_exit"] else _plain(case["exposure_txt"])
        yield case["id"], recorded, _exposure(inventory(case["manifests"]))


def _plain(text: str) -> frozenset[str]:
    """The lines of all sections, without headings and without the width of columns."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.endswith(":"))


def _exposure(found: Inventory) -> frozenset[str]:
    cluster = Cluster(found, NETPOL_ANALYZER)
    return REFUSES if cluster.refused else _plain(as_text(exposure(cluster)))


def golden_explanations(shared: Path) -> Iterator[Case]:
    """What the tool's explanations allow, for every pair of ends that they speak of."""
    folder = shared / "conformance" / "netpol-analyzer"
    for path in sorted((folder / "expected").glob(f"*{_EXPLAIN}")):
        name = path.name.removesuffix(_EXPLAIN)
        recorded = explained(path.read_text())
        found = listing(folder_inventory(folder / "tests" / name), NETPOL_ANALYZER)
        ours = dict.fromkeys(recorded, NONE) | {f"{r.src} => {r.dst}": r.conn for r in found.rows}
        yield name, _pairs(recorded), REFUSES if found.refused else _pairs(ours)


def _pairs(found: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{pair} : {ports}" for pair, ports in found.items())


def skips(name: str) -> dict[str, str]:
    """The known disagreements of a suite (by its name in SUITES), with the reason."""
    text = Path(__file__).with_name("skips.toml").read_text()
    found: dict[str, str] = {}
    for entry in tomllib.loads(text).get(name, []):
        found |= dict.fromkeys(entry["ids"], entry["reason"])
    return found


SUITES = {
    "goldens": goldens,
    "random": random_clusters,
    "golden-diffs": golden_changes,
    "random-diffs": random_changes,
    "golden-exposure": golden_exposure,
    "random-exposure": random_exposure,
    "golden-explanations": golden_explanations,
}


def _rows(text: str) -> frozenset[str]:
    """The connections; where there are several networks, a mapping of workloads follows them."""
    return frozenset(line for line in text.splitlines() if " => " in line)


def _rows_of_json(path: Path) -> frozenset[str]:
    rows = json.loads(path.read_text())
    return frozenset(f"{row['src']} => {row['dst']} : {row['conn']}" for row in rows)


def _ours(found: Inventory) -> frozenset[str]:
    answer = listing(found, NETPOL_ANALYZER)
    return REFUSES if answer.refused else frozenset(map(str, answer.rows))
