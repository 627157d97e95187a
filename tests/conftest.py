# SPDX-License-Identifier: Apache-2.0
"""What do all tests share: the testbed's programs, and recorded answers beside the checkout?

A test that needs a real system takes the fixture ``testbed`` and calls ``testbed("opa")``, or
bears the marker ``@pytest.mark.testbed("opa")``. Where the system is not built the test is
skipped; with ``KGUARD_TESTBED=required`` it fails.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.testbed import cache
from tests.postgres import Server, running

ROOT = Path(__file__).resolve().parents[1]
_MISSING = re.compile(r"the testbed has no (\S+)")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded answers and real manifests beside the checkout; skips where there are none."""
    folder = Path(os.environ.get("KGUARD_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no folder of recorded answers beside the checkout")
    return folder


@pytest.fixture(scope="session")
def testbed() -> Callable[[str], Path]:
    """``testbed("opa")`` is the path of a built program, or skips or fails the test."""
    return _program


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose marker names a system that is not built."""
    for marker in item.iter_markers("testbed"):
        for name in marker.args:
            _program(name)


def _program(name: str) -> Path:
    found = cache.installed(name)
    if found:
        return found
    message = f"the testbed has no {name}: `make testbed` builds it"
    if os.environ.get("KGUARD_TESTBED") == "required":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests did not run, and what would make them run."""
    skipped = terminalreporter.stats.get("skipped", [])
    wanting = [found[1] for report in skipped if (found := _MISSING.search(str(report.longrepr)))]
    if not skipped:
        return
    terminalreporter.write_line(f"{len(skipped)} tests were skipped.")
    for reason, count in _other_reasons(skipped):
        terminalreporter.write_line(f"  {count}: {reason}")
    if wanting:
        systems = ", ".join(sorted({name.rstrip(":") for name in wanting}))
        terminalreporter.write_line(
            f"  {len(wanting)}: systems that are not built ({systems}); `make testbed` builds them"
        )


def _other_reasons(skipped: list[Any]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for report in skipped:
        longrepr = report.longrepr
        reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
        if not _MISSING.search(reason):
            reason = reason.removeprefix("Skipped: ")
            counts[reason] = counts.get(reason, 0) + 1
    return sorted(counts.items())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the case runner."""
    parser.addoption(
        "--update-cases", action="store_true", help="write expected.yaml from what kguard says"
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL server; skips where none is installed."""
    with running() as server:
        yield server
