# SPDX-License-Identifier: Apache-2.0
"""Does kguard agree with the real systems on inputs that nobody recorded?

A ``tests/conformance/<system>/oracle.py`` has ``LONG``: by name, the oracle of
``support/oracles`` (or a system of the testbed) and a function that takes its program and a seed
and yields ``(id, recorded, ours)``.

``python -m support.oracle_runs [--seeds FROM-TO] [NAME...]`` runs seeds 0 to 99 by default. Seeds
that agreed are remembered beside the testbed, for the same oracle and the same code of kguard: a
run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from support import conformance
from support.testbed import cache
from support.testbed.build import ensure
from support.testbed.recipes import Recipe, recipe

DEFAULT_SEEDS = range(100)


class Run(NamedTuple):
    """A long comparison: one oracle, many seeds."""

    name: str
    oracle: str
    points: Callable[[Path, int], conformance.Points]


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 if every seed agrees, 1 if one does not."""
    options = _parser().parse_args(arguments)
    chosen = [run for run in runs() if not options.names or run.name in options.names]
    if not chosen:
        print("oracle runs: there are none of that name", file=sys.stderr)
        return 1
    good = True
    for run in chosen:
        good &= _compare(run, options.seeds)
    return 0 if good else 1


def runs() -> Iterator[Run]:
    """Every long comparison, by system."""
    for path in sorted(conformance.TESTS.glob("*/oracle.py")):
        module = importlib.import_module(f"tests.conformance.{path.parent.name}.oracle")
        for name, (oracle, points) in module.LONG.items():
            yield Run(name, oracle, points)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oracle_runs", description="Ask the real systems")
    parser.add_argument("names", nargs="*", help="comparisons to run (default: all)")
    parser.add_argument("--seeds", type=_range, default=DEFAULT_SEEDS, metavar="FROM-TO")
    return parser


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _compare(run: Run, seeds: range) -> bool:
    system = recipe(run.oracle)
    ensure(system, lambda word: print(f"  building {system.name}, {word}", flush=True))
    journal = Journal(run, system)
    for seed in seeds:
        if seed in journal.agreed:
            continue
        outcome = conformance.measure(run.name, run.points(cache.binary(system), seed), {})
        print(f"{run.name}, seed {seed}: {outcome.agree:,} of {outcome.cases:,}", flush=True)
        if outcome.broken or not outcome.cases:
            print(f"  disagrees: {', '.join(outcome.broken[: conformance.SHOWN])}")
            return False
        journal.agree(seed, outcome.cases)
    told = sum(journal.agreed[seed] for seed in seeds)
    print(f"{run.name}: {told:,} cases of seeds {seeds.start}-{seeds.stop - 1} agree")
    return True


class Journal:
    """Which seeds agreed with which oracle, in a file that is replaced whole."""

    def __init__(self, run: Run, system: Recipe) -> None:
        name = f"{run.name.replace(' ', '-')}-{system.folder}-{_code()}.json"
        self.path = cache.root() / ".runs" / name
        kept = json.loads(self.path.read_text()) if self.path.is_file() else {}
        self.agreed: dict[int, int] = {int(seed): cases for seed, cases in kept.items()}

    def agree(self, seed: int, cases: int) -> None:
        """Remember the number of cases of a seed."""
        self.agreed[seed] = cases
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(dict(sorted(self.agreed.items()))))
        fresh.replace(self.path)


def _code() -> str:
    """A digest of the package: another code may answer otherwise."""
    state = hashlib.sha256()
    for path in sorted((conformance.ROOT / "kguard").rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
