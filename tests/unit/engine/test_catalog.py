# SPDX-License-Identifier: Apache-2.0
"""Does every shipped policy keep the contract, and are mistakes named with their place?"""

from __future__ import annotations

import pytest

from kguard import data, layers
from kguard.engine import catalog
from kguard.engine.controls import frameworks
from kguard.errors import ConfigError, PolicyError

POLICIES = catalog.bundled()
METADATA = "# METADATA\n# title: t\n# custom: {severity: high, layer: network}\n"


@pytest.fixture(params=POLICIES, ids=lambda policy: policy.id)
def policy(request):
    return request.param


def test_ids_are_unique():
    assert len({policy.id for policy in POLICIES}) == len(POLICIES)


def test_every_policy_has_a_remedy_or_a_reason_for_none(policy):
    assert bool(policy.remedy) != bool(policy.no_remedy)
    if policy.remedy:
        assert policy.remedy in layers.remedies(policy.layer)


def test_every_control_exists(policy):
    known = {clause.id for framework in frameworks() for clause in framework.clauses}
    assert set(policy.controls) <= known


def test_every_policy_judges_a_collection_of_its_facts(policy):
    if policy.subjects == "waivers":
        return
    assert policy.subjects in layers.load(policy.layer).facts_type.__struct_fields__


def test_every_policy_has_tests_that_deny_and_allow(policy):
    text = (data.policies_dir() / f"{policy.id.replace('-', '_')}_test.rego").read_text()
    assert "test_deny" in text
    assert "test_allow" in text
    assert not policy.has_unknown or "test_unknown" in text


def test_every_policy_is_described(policy):
    assert policy.title
    assert not policy.title.endswith(".")
    assert policy.description
    assert policy.since


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("deny contains x if { x := 1 }\n", "no package"),
        ("package kguard.network.x\ndeny contains x if { x := 1 }\n", "no METADATA"),
        (METADATA.replace("high", "huge") + "package p\ndeny contains x if true\n", "METADATA"),
        (METADATA.replace("title", "titel") + "package p\ndeny contains x if true\n", "METADATA"),
        (METADATA.replace("network", "net") + "package p\ndeny contains x if true\n", "layer"),
    ],
)
def test_mistakes_in_a_users_policy_are_named(tmp_path, text, problem):
    path = tmp_path / "mine.rego"
    path.write_text(text)
    with pytest.raises(PolicyError, match=problem) as caught:
        catalog.load(tmp_path)
    assert str(path) in caught.value.where


def test_modules_without_entry_points_are_libraries(tmp_path):
    (tmp_path / "lib.rego").write_text("package lib\nx := 1\n")
    with pytest.raises(ConfigError, match="holds no policy"):
        catalog.load(tmp_path)
    assert list(catalog.libraries(tmp_path)) == [str(tmp_path / "lib.rego")]
