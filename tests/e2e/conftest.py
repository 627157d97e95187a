# SPDX-License-Identifier: Apache-2.0
"""What do end-to-end tests share: a real API server, the CLI in a process of its own?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import live

HERE = Path(__file__).resolve().parent
Kguard = Callable[..., subprocess.CompletedProcess]

_FULL = {"KGUARD_PROMETHEUS": "test_prometheus.py", "KGUARD_SCALE": "test_scale.py"}
collect_ignore = [file for switch, file in _FULL.items() if not os.environ.get(switch)]
"""What belongs to `make conformance-full` alone."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file of this folder on one worker: its API server, wheel or runner is made once."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def cluster(testbed, tmp_path_factory) -> Iterator[live.Cluster]:
    """A real API server with etcd behind it, for the whole session."""
    with live.running(testbed, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def kguard(checkout: Path) -> Kguard:
    """``kguard("scan", path, env={...})`` runs the CLI in a process of its own."""

    def run(*arguments: object, env: dict[str, str] | None = None, **options):
        return subprocess.run(
            [sys.executable, "-m", "kguard", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(checkout), "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            **{"timeout": 120, **options},
        )

    return run
