# SPDX-License-Identifier: Apache-2.0
"""Does `kguard explain` show for every policy what it finds and what closes it?"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kguard import cli
from kguard.engine import catalog, examples


@pytest.fixture(params=catalog.bundled(), ids=lambda policy: policy.id)
def policy(request):
    return request.param


def test_every_policy_has_an_example_with_before_and_after(policy):
    found = examples.example(policy.id)
    assert found is not None, "python -m support.examples"
    assert found.message
    assert bool(found.changes) != bool(found.instead)
    assert not found.changes or policy.remedy


def test_explain_shows_it(policy):
    done = CliRunner().invoke(cli.kguard, ["explain", policy.id])
    assert done.exit_code == 0
    text = done.output
    assert text.index("\nbefore\n") < text.index("\nafter\n")
    assert policy.title in text


def test_a_policy_of_the_user_has_none(tmp_path):
    (tmp_path / "mine.rego").write_text(
        "# METADATA\n# title: Mine\n# custom: {severity: low, layer: network}\n"
        "package mine\ndeny contains x if { x := 1 }\n"
    )
    command = ["explain", "network/mine", "--policies", str(tmp_path)]
    done = CliRunner().invoke(cli.kguard, command)
    assert "before" not in done.output
    assert "Mine" in done.output
