# SPDX-License-Identifier: Apache-2.0
"""Is each system of the testbed built once, whole, and found again?"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from support.testbed import build, cache, recipes
from support.testbed.__main__ import main

FAKE_GO = """#!/bin/sh
echo run >> "$KGUARD_TESTBED_DIR/runs"
echo 'the module does not compile' >&2
test -e "$KGUARD_TESTBED_DIR/broken" && exit 1
printf program > "$GOBIN/opa"
"""


@pytest.fixture
def testbed_folder(tmp_path, monkeypatch):
    """An empty testbed whose Go tool writes a file and counts its runs."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    folder = tmp_path / "testbed"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KGUARD_TESTBED_DIR", str(folder))
    return folder


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def test_a_system_is_built_once_and_found(testbed_folder):
    assert cache.installed("opa") is None
    assert main(["opa"]) == 0
    assert main(["opa"]) == 0
    assert runs(testbed_folder) == 1
    assert cache.installed("opa").read_text() == "program"


def test_two_runs_at_once_build_once(testbed_folder):
    system = recipes.recipe("opa")
    threads = [threading.Thread(target=build.ensure, args=(system, print)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(testbed_folder) == 1


def test_a_failed_build_is_tried_again_then_told_and_leaves_nothing(testbed_folder, capsys):
    (testbed_folder / "broken").touch()
    assert main(["opa"]) == 1
    assert runs(testbed_folder) == build.ATTEMPTS
    assert "does not compile" in capsys.readouterr().err
    assert sorted(path.name for path in testbed_folder.iterdir()) == [".locks", "broken", "runs"]


def test_where_fails_for_a_system_that_is_not_built(testbed_folder, capsys):
    assert main(["--where", "opa"]) == 1
    assert str(testbed_folder) in capsys.readouterr().out


def test_an_unknown_system_is_a_usage_error(testbed_folder):
    assert main(["no-such-system"]) == 2


def test_an_oracle_is_known_by_the_content_of_its_module(tmp_path):
    module = tmp_path / "reader"
    module.mkdir()
    (module / "go.mod").write_text("module reader\n")
    (module / "main.go").write_text("package main\n")
    (before,) = recipes.oracles(tmp_path)
    (module / "main.go").write_text("package main // changed\n")
    (after,) = recipes.oracles(tmp_path)
    assert before.name == after.name == "reader"
    assert before.version != after.version


def test_every_system_is_pinned():
    versions = [system.version for system in recipes.SYSTEMS]
    assert all(version.count(".") == 2 for version in versions)
