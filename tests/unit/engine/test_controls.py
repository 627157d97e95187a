# SPDX-License-Identifier: Apache-2.0
"""Is the table of controls whole: every clause answered by policies, every policy by a clause?"""

from __future__ import annotations

import re

import msgspec
import pytest
import yaml

from kguard import data
from kguard.engine import catalog, controls

FRAMEWORKS = controls.frameworks()
CLAUSES = [(framework, clause) for framework in FRAMEWORKS for clause in framework.clauses]
POLICIES = {policy.id for policy in catalog.bundled()}
FORMS = {
    "cis": r"\d\.\d(\.\d+)?",
    "nsa": r"[A-Z][\w/ -]+",
    "nist": r"[A-Z]{2}-\d+(\(\d+\))?",
    "pci": r"\d+\.\d+\.\d+(\.\d+)?",
    "iso": r"[5-8]\.\d+",
    "soc2": r"CC\d\.\d",
    "mlps": r"8\.1\.\d\.\d",
    "attack": r"[MT]\d{4}",
}
"""How clauses of a framework are named."""


@pytest.fixture(params=CLAUSES, ids=lambda pair: pair[1].id)
def pair(request):
    return request.param


def test_the_frameworks_are_those_that_are_promised():
    assert [framework.key for framework in FRAMEWORKS] == list(FORMS)
    assert all(framework.clauses for framework in FRAMEWORKS)


def test_every_clause_is_named_as_its_framework_names_it(pair):
    framework, clause = pair
    assert re.fullmatch(FORMS[framework.key], clause.clause)
    assert clause.title
    assert not clause.title.endswith(".")


def test_every_clause_has_policies_unless_it_is_manual(pair):
    _, clause = pair
    assert (clause.policies == ()) == (clause.reach == "manual")
    assert set(clause.policies) <= POLICIES


def test_what_policies_cannot_see_is_said(pair):
    _, clause = pair
    assert (clause.left == "") == (clause.reach == "automated")
    assert not clause.left.endswith(".")


def test_every_policy_answers_some_clause():
    answered = {policy for _, clause in CLAUSES for policy in clause.policies}
    assert answered == POLICIES


def test_every_group_is_used_and_names_policies():
    table = yaml.safe_load((data.policies_dir() / "controls.yaml").read_text())
    used = {name for entry in table["clauses"].values() for name in entry.get("policies", ())}
    assert set(table["groups"]) <= used
    assert used <= set(table["groups"]) | POLICIES
    assert {policy for group in table["groups"].values() for policy in group} <= POLICIES
    assert {entry["framework"] for entry in table["clauses"].values()} <= set(table["frameworks"])


def test_a_policy_of_the_user_may_name_a_clause():
    one = catalog.bundled()[0]
    mine = msgspec.structs.replace(one, id="network/mine", controls=("PCI-1.3.1",), bundled=False)
    found = {c.id: c.policies for f in controls.frameworks([mine]) for c in f.clauses}
    assert "network/mine" in found["PCI-1.3.1"]
    assert "network/mine" not in found["PCI-1.3.2"]
