# SPDX-License-Identifier: Apache-2.0
"""On how many recorded answers of the real systems does kguard agree?

Every ``tests/conformance/<system>/vectors.py`` has ``SUITES``: a name and a function that takes
the folder of recorded answers (``FOLDER`` inside it, where the module says so) and yields
``(id, recorded, ours)``. A known disagreement stands in
``skips.toml`` beside it (or ``SKIPS``), by suite and id with its reason; one that agrees by now
must leave it. ``TABLES`` has lines to print below a suite.

``python -m support.conformance [SHARED]`` prints a table: suite, cases, agree, listed.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "conformance"
SHOWN = 5
"""How many ids of disagreements are printed for a suite."""

Points = Iterator[tuple[str, Any, Any]]


class Suite(NamedTuple):
    """Recorded answers of one kind, with the known disagreements and their reasons."""

    name: str
    folder: str
    points: Callable[[Path], Points]
    skips: Mapping[str, str]
    table: Callable[[Path], Iterator[str]] | None = None
    """Lines to print below the suite's own, where it has more to tell."""


class Agreement(NamedTuple):
    """The outcome of one suite; ``broken`` and ``healed`` are ids and make it fail."""

    suite: str
    cases: int
    agree: int
    listed: int
    broken: list[str]
    healed: list[str]
    seconds: float

    @property
    def row(self) -> str:
        """One line of the table."""
        return (
            f"{self.suite:44} {self.cases:8,} {self.agree:8,} {self.listed:7,} {self.seconds:7.1f}"
        )


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 if all disagreements are listed, 1 if not, 2 without recorded answers."""
    named = arguments[0] if arguments else os.environ.get("KGUARD_SHARED")
    folder = Path(named or ROOT.parent / "shared") / "conformance"
    if not folder.is_dir():
        print(f"conformance: no recorded answers in {folder}", file=sys.stderr)
        return 2
    print(f"{'suite':44} {'cases':>8} {'agree':>8} {'listed':>7} {'s':>7}")
    good = True
    for suite in suites():
        outcome = measure(suite.name, suite.points(folder / suite.folder), suite.skips)
        print(outcome.row, flush=True)
        for line in suite.table(folder / suite.folder) if suite.table else ():
            print(f"  {line}", flush=True)
        good &= _complain(outcome)
    return 0 if good else 1


def suites() -> Iterator[Suite]:
    """Every suite, by system."""
    for path in sorted(TESTS.glob("*/vectors.py")):
        module = importlib.import_module(f"tests.conformance.{path.parent.name}.vectors")
        skips = getattr(module, "SKIPS", None) or listed(path.parent)
        unknown = sorted(set(skips) - set(module.SUITES))
        if unknown:
            raise SystemExit(f"{path.parent / 'skips.toml'}: no suite named {unknown[0]!r}")
        inside = getattr(module, "FOLDER", "")
        for name, suite in module.SUITES.items():
            table = getattr(module, "TABLES", {}).get(name)
            yield Suite(name, inside, suite, skips.get(name, {}), table)


def listed(folder: Path) -> dict[str, dict[str, str]]:
    """The known disagreements of a system, with their reasons, by suite and id."""
    path = folder / "skips.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def measure(name: str, points: Points, skips: Mapping[str, str]) -> Agreement:
    """Count agreement, and tell listed disagreements from others."""
    started = time.monotonic()
    cases = agree = 0
    differing, seen = [], set()
    for identity, recorded, ours in points:
        cases += 1
        seen.add(identity)
        if recorded == ours:
            agree += 1
        else:
            differing.append(identity)
    broken = [identity for identity in differing if identity not in skips]
    healed = sorted((skips.keys() & seen) - set(differing))
    spent = time.monotonic() - started
    return Agreement(name, cases, agree, len(differing) - len(broken), broken, healed, spent)


def _complain(outcome: Agreement) -> bool:
    for word, ids in (("disagrees", outcome.broken), ("listed, but agrees", outcome.healed)):
        if ids:
            more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            print(f"  {word}: {', '.join(ids[:SHOWN])}{more}")
    if not outcome.cases:
        print("  no case was read")
    return not outcome.broken and not outcome.healed and outcome.cases > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
