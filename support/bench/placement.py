# SPDX-License-Identifier: Apache-2.0
"""What do many DaemonSets on many nodes look like, each with labels, taints and tolerations?

``python -m support.bench.placement NODES DAEMONSETS FOLDER`` writes one file, for `kguard runtime
coverage --daemonset '*'`. The same numbers give the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from support.generators.daemonsets import daemonset, node

SEED = 20261130


def write(folder: Path, nodes: int, daemonsets: int) -> Path:
    """Write the objects, one YAML document each."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(SEED)
    names = [f"n{number}" for number in range(nodes)]
    objects = [node(random, name) for name in names]
    objects += [daemonset(random, f"d{number}", names) for number in range(daemonsets)]
    path = folder / "cluster.yaml"
    path.write_text("---\n".join(f"{json.dumps(one)}\n" for one in objects))
    return path


def main(arguments: Sequence[str]) -> int:
    """Write the file."""
    nodes, daemonsets, folder = arguments
    print(write(Path(folder), int(nodes), int(daemonsets)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
