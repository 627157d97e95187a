# SPDX-License-Identifier: Apache-2.0
"""Does a missing system skip a test, fail it where it is required, and get counted?"""

from __future__ import annotations

import os
import subprocess
import sys

TESTS = """
import pytest

def test_by_fixture(testbed):
    assert testbed("opa")

@pytest.mark.testbed("etcd")
def test_by_marker():
    pass

def test_else():
    pytest.skip("no reason")
"""


def run(tmp_path, checkout, **environment):
    """Run three tests in a checkout's own pytest set-up, with an empty testbed."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(TESTS)
    (folder / "conftest.py").write_text((checkout / "tests" / "conftest.py").read_text())
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        env={
            **os.environ,
            "KGUARD_TESTBED_DIR": str(tmp_path / "none"),
            "PYTHONPATH": str(checkout),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_system_skips_and_the_last_lines_say_so(tmp_path, checkout):
    done = run(tmp_path, checkout, KGUARD_TESTBED="")
    assert done.returncode == 0, done.stdout
    assert "3 tests were skipped." in done.stdout
    assert "2: systems that are not built (etcd, opa); `make testbed` builds them" in done.stdout
    assert "1: no reason" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("3 skipped")


def test_a_missing_system_fails_where_it_is_required(tmp_path, checkout):
    done = run(tmp_path, checkout, KGUARD_TESTBED="required")
    assert done.returncode == 1
    assert "the testbed has no opa" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(("1 failed", "2 failed"))
