# SPDX-License-Identifier: Apache-2.0
"""Are a user's own policy tests run, and their failures named?"""

from __future__ import annotations

import pytest

from kguard.engine.embedded.policy_tests import run
from kguard.errors import PolicyError

TESTS = """package mine_test

import data.mine

test_right if mine.x == 1

test_wrong if mine.x == 2

test_table[name] if {
	some name in ["a", "b"]
	mine.x == 1
}
"""


def _write(folder, policy, tests=TESTS):
    (folder / "mine.rego").write_text(policy)
    (folder / "mine_test.rego").write_text(tests)
    return folder


def test_tests_pass_and_fail(tmp_path):
    found = run(_write(tmp_path, "package mine\n\nx := 1\n"))
    assert [(o.test, bool(o.problem)) for o in found] == [
        ("mine_test.test_right", False),
        ("mine_test.test_table", False),
        ("mine_test.test_wrong", True),
    ]


def test_what_does_not_compile_is_an_error_with_its_file(tmp_path):
    with pytest.raises(PolicyError) as caught:
        run(_write(tmp_path, "package mine\n\nx := \n"))
    assert caught.value.where == str(tmp_path / "mine.rego")


def test_a_test_that_takes_the_engine_down_is_an_error(tmp_path):
    loop = "package mine\n\nx := 1\n\nf(y) if g(y)\n\ng(y) if f(y)\n"
    tests = "package mine_test\n\nimport data.mine\n\ntest_loop if mine.f(1)\n"
    with pytest.raises(PolicyError, match="took the engine down"):
        run(_write(tmp_path, loop, tests))
