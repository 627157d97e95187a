# SPDX-License-Identifier: Apache-2.0
"""Would the tests notice if a semantic model broke one rule of the real system?

Each ``tests/mutants/<layer>.toml`` lists mutants: a name that says which rule is broken, the file,
the text that is replaced and by what, and the tests that must then fail. ``python -m
support.mutants [NAME...]`` applies each to a copy of the package, one at a time; a NAME is that of
a mutant, or of a list (``mtls``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LISTS = ROOT / "tests" / "mutants"
COPIED = (
    *("kguard", "policies", "rules", "examples", "docs", "tests", "support", "deploy"),
    "pyproject.toml",
)
SOUND_CUT_OFF_SECONDS = 3600.0
"""For all tests of the lists at once, on a machine that does other things beside."""
CUT_OFF_SECONDS = 300.0
"""A mutant that takes this much longer than all tests of the sound package hangs: noticed."""


class Mutant(NamedTuple):
    """One broken rule. ``old`` occurs exactly once in ``file``."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def main(names: Sequence[str]) -> int:
    """Exit code 0 if the tests fail on every mutant, 1 if one survives, 2 for an unknown name."""
    listed = {path.stem: list(mutants(path)) for path in sorted(LISTS.glob("*.toml"))}
    known = {mutant.name for found in listed.values() for mutant in found}
    for name in names:
        if name not in listed and name not in known:
            print(f"mutants: no mutant or list is named {name!r}", file=sys.stderr)
            print(f"  the lists are: {', '.join(listed)}", file=sys.stderr)
            return 2
    chosen = [
        mutant
        for stem, found in listed.items()
        for mutant in found
        if not names or stem in names or mutant.name in names
    ]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "checkout"
        _copy(place)
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        started = time.monotonic()
        said = failure("the sound package", tests, place, SOUND_CUT_OFF_SECONDS)
        if said is not None:
            print(f"mutants: the tests fail without any mutant\n{said}", file=sys.stderr)
            return 1
        limit = time.monotonic() - started + CUT_OFF_SECONDS
        alive = [mutant.name for mutant in chosen if not _noticed(mutant, place, limit)]
    print(f"mutants: {len(chosen) - len(alive)} of {len(chosen)} noticed")
    return 1 if alive else 0


def mutants(path: Path) -> Iterator[Mutant]:
    """The mutants of one list."""
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
        yield Mutant(**{**entry, "tests": tuple(entry["tests"])})


def mutated(mutant: Mutant, text: str) -> str:
    """The text of the file with the rule broken. Raises ``ValueError`` if the place moved."""
    if text.count(mutant.old) != 1:
        found = text.count(mutant.old)
        raise ValueError(f"{mutant.name}: {mutant.file} holds the text {found} times, not once")
    return text.replace(mutant.old, mutant.new)


def _copy(place: Path) -> None:
    place.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, place / name, ignore=ignored)
        elif source.is_file():
            shutil.copy(source, place / name)


def _noticed(mutant: Mutant, place: Path, limit: float) -> bool:
    target = place / mutant.file
    sound = target.read_text(encoding="utf-8")
    target.write_text(mutated(mutant, sound), encoding="utf-8")
    started = time.monotonic()
    try:
        noticed = failure(mutant.name, mutant.tests, place, limit) is not None
    finally:
        target.write_text(sound, encoding="utf-8")
    word = "noticed" if noticed else "SURVIVES"
    print(f"  {word:9} {time.monotonic() - started:5.1f} s  {mutant.name}", flush=True)
    return noticed


def failure(name: str, tests: Sequence[str], place: Path, limit: float) -> str | None:
    """What the tests print where they fail; None where they pass. Raises ``SystemExit``."""
    shared = os.environ.get("KGUARD_SHARED") or str(ROOT.parent / "shared")
    own = {"KGUARD_SHARED": shared, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=place,
            env={**os.environ, **own},
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"cut off after {limit:.0f} s"
    said = done.stdout.decode(errors="replace")
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{name}: the tests could not run\n{said}")
    return said if done.returncode else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
