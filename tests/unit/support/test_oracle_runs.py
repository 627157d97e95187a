# SPDX-License-Identifier: Apache-2.0
"""Do long runs go on where they stopped, and stop where an oracle disagrees?"""

from __future__ import annotations

import pytest

from support import oracle_runs
from support.testbed import cache
from support.testbed.recipes import recipe


@pytest.fixture
def seeds_run(tmp_path, monkeypatch):
    """A comparison whose seed 2 disagrees; the seeds that ran, in order."""
    monkeypatch.setenv("KGUARD_TESTBED_DIR", str(tmp_path))
    program = cache.binary(recipe("opa"))
    program.parent.mkdir(parents=True)
    program.touch()
    ran = []

    def points(_, seed):
        ran.append(seed)
        yield "case", 0, int(seed == 2)

    run = oracle_runs.Run("random cases", "opa", points)
    monkeypatch.setattr(oracle_runs, "runs", lambda: iter([run]))
    return ran


def test_seeds_that_agreed_are_not_run_again(seeds_run, capsys):
    assert oracle_runs.main(["--seeds", "0-1"]) == 0
    assert oracle_runs.main(["--seeds", "0-1"]) == 0
    assert seeds_run == [0, 1]
    assert "2 cases of seeds 0-1 agree" in capsys.readouterr().out


def test_a_disagreement_is_named_and_run_again(seeds_run, capsys):
    assert oracle_runs.main(["--seeds", "1-3"]) == 1
    assert oracle_runs.main(["--seeds", "1-3"]) == 1
    assert seeds_run == [1, 2, 2]
    assert "disagrees: case" in capsys.readouterr().out


def test_an_unknown_name_is_no_success(seeds_run):
    assert oracle_runs.main(["no such run"]) == 1
