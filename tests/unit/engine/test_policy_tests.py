# SPDX-License-Identifier: Apache-2.0
"""Are a user's own policy tests run, and their failures named?"""

from __future__ import annotations

from shutil import copytree

import pytest

from kguard import data
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


def test_our_own_tests_pass_and_a_wrong_one_among_them_does_not(tmp_path):
    folder = tmp_path / "policies"
    copytree(data.policies_dir(), folder)
    assert [outcome for outcome in run(folder) if outcome.problem] == []
    own = folder / "images" / "unsigned_test.rego"
    own.write_text(own.read_text() + "\ntest_wrong if count(policy.deny) == 1 with input as {}\n")
    wrong = [outcome.test for outcome in run(folder) if outcome.problem]
    assert wrong == ["kguard.images.unsigned_test.test_wrong"]


WITH = """package mine_test

import data.mine

_ref := {"a": 1}

_of(x) := [_ref, x]

test_same_rule_inside_and_outside if mine.echo == _ref with input as _ref

test_call if mine.echo == _of(1) with input as _of(1)

test_nested if {
	mine.echo == [_ref] with input as [x |
		# a comment; "as" it may stand
		mine.echo == _of("as")[1] with input as _of("as")[1]
		x := _ref
	]
}

test_negated if not mine.echo == _ref with input as _of(_ref)

test_inside if mine.echo == {"b": _ref} with input.b as _ref

test_data if mine.stored == [_ref] with data.kept as [_ref]

test_each if {
	every entry in ["ü", _ref] { mine.echo == entry with input as entry }
}

test_wrong if mine.echo == _ref with input as [_ref]
"""


def test_the_value_of_with_may_use_the_rules_that_its_expression_uses(tmp_path):
    policy = "package mine\n\necho := input\n\nstored := data.kept\n"
    found = run(_write(tmp_path, policy, WITH))
    assert len(found) == 8
    assert [o.test for o in found if o.problem] == ["mine_test.test_wrong"]
