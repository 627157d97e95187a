# SPDX-License-Identifier: Apache-2.0
"""What does ``python3 -m support.testbed`` build, list or point at?"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

from support.testbed.build import BuildError, ensure
from support.testbed.cache import binary, root
from support.testbed.recipes import Recipe, recipe, recipes


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every wanted system is there, 1 if one could not be built."""
    options = _parser().parse_args(arguments)
    try:
        wanted = _wanted(options.names, options.group)
    except KeyError as error:
        print(f"testbed: {error.args[0]}", file=sys.stderr)
        return 2
    if options.list:
        return _list(wanted)
    if options.where:
        return _where(wanted)
    if shutil.which("go") is None:
        print("testbed: the Go tool is not on PATH; it builds every system", file=sys.stderr)
        return 1
    return _build_all(wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed", description="Build what the tests run against")
    parser.add_argument("names", nargs="*", help="systems to build (default: a whole group)")
    parser.add_argument("--group", default="test", choices=("test", "bench", "full"))
    parser.add_argument("--list", action="store_true", help="say where each system lies")
    parser.add_argument("--where", action="store_true", help="print the program's path, or fail")
    return parser


def _wanted(names: Sequence[str], group: str) -> tuple[Recipe, ...]:
    if names:
        return tuple(recipe(name) for name in names)
    return tuple(system for system in recipes() if system.group == group)


def _list(wanted: Sequence[Recipe]) -> int:
    for system in wanted:
        state = "built" if binary(system).is_file() else "missing"
        print(f"{system.name:24} {system.version:14} {state:8} {binary(system)}")
    return 0


def _where(wanted: Sequence[Recipe]) -> int:
    missing = [system.name for system in wanted if not binary(system).is_file()]
    for system in wanted:
        print(binary(system))
    if missing:
        print(f"testbed: not built: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def _build_all(wanted: Sequence[Recipe]) -> int:
    started = time.monotonic()
    failed = []
    for step, system in enumerate(wanted, 1):
        label = f"testbed: [{step}/{len(wanted)}] {system.name} {system.version}"
        if not _build_one(label, system):
            failed.append(system.name)
    spent = time.monotonic() - started
    there = len(wanted) - len(failed)
    print(f"testbed: {there} of {len(wanted)} systems in {root()} after {spent:.0f} s", flush=True)
    if failed:
        print(f"testbed: not built: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _build_one(label: str, system: Recipe) -> bool:
    started = time.monotonic()
    print(f"{label} ...", flush=True)
    try:
        built = ensure(system, lambda word: print(f"{label} building, {word}", flush=True))
    except BuildError as error:
        print(f"{label} failed:\n{error}", file=sys.stderr, flush=True)
        return False
    word = "built" if built else "there"
    print(f"{label} {word}, {time.monotonic() - started:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
