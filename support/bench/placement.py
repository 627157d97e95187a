# SPDX-License-Identifier: Apache-2.0
"""How fast is the placement of many DaemonSets on many nodes, without any reading of files?

``python -m support.bench.placement NODES DAEMONSETS`` prints the rows of `kguard runtime coverage`,
how many of them are covered, and the processor time in seconds (budget for 1,000 x 20: 1 s).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from random import Random

from kguard.inventory import build
from kguard.layers.runtime.listing import list_coverage
from kguard.model.manifests import Collected, Manifest, SourceText
from support.generators.daemonsets import daemonset, node

SEED = 20261130


def main(arguments: Sequence[str]) -> int:
    """Print one line; the exit code is 0."""
    nodes, daemonsets = map(int, arguments)
    random = Random(SEED)
    names = [f"n{number}" for number in range(nodes)]
    objects = [node(random, name) for name in names]
    objects += [daemonset(random, f"d{number}", names) for number in range(daemonsets)]
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    inventory = build(Collected(manifests=manifests))
    start = time.process_time()
    rows = list_coverage(inventory, "*")
    seconds = time.process_time() - start
    covered = sum(row["covered"] for row in rows)
    print(f"placement: {len(rows):,} rows, {covered:,} covered, {seconds:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
