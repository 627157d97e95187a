# SPDX-License-Identifier: Apache-2.0
"""Has every class of signatures, and every value of enforcement, a policy of its own?"""

from __future__ import annotations

from typing import get_args

import pytest

from kguard.engine import catalog
from kguard.model.facts.images import Action, Enforcement, SignatureClass

POLICIES = [policy for policy in catalog.bundled() if policy.layer == "images"]
SILENT = {"verified", "not_evaluated"}
"""What is as it should be, and what nobody was asked about."""

ENFORCEMENT = {
    "fail_open": "images/enforcer-fails-open",
    "warn_only": "images/enforcer-warns-only",
    "audit_only": "images/enforcer-audit-only",
    "trivially_true": "images/trust-too-broad",
    "not_matched": "images/not-matched",
    "not_selected": "images/not-enforced",
    "none": "images/no-enforcer",
    "not_visible": "images/enforcement-not-visible",
    "unknown": "images/enforcement-unknown",
}


def about(field, value):
    return [p.id for p in POLICIES if f'{field} == "{value}"' in p.text]


@pytest.mark.parametrize("value", sorted(set(get_args(SignatureClass)) - SILENT))
def test_every_class_has_one_policy_of_its_own(value):
    (found,) = about("use.signature", value)
    text = next(p.text for p in POLICIES if p.id == found)
    assert text.count("use.signature ==") == 1
    assert "use.signature in" not in text


@pytest.mark.parametrize("value", sorted(v for v in get_args(SignatureClass) if "unknown_" in v))
def test_what_is_unknown_fails_only_where_the_settings_say_so(value):
    (found,) = about("use.signature", value)
    policy = next(p for p in POLICIES if p.id == found)
    assert policy.has_unknown
    assert policy.params["fail"]["default"] is False


def test_every_enforcement_has_a_policy_of_its_own():
    assert set(ENFORCEMENT) == set(get_args(Enforcement)) - {"enforced"}
    assert len(set(ENFORCEMENT.values())) == len(ENFORCEMENT)
    assert set(ENFORCEMENT.values()) <= {p.id for p in POLICIES}


@pytest.mark.parametrize("value", sorted(set(get_args(Action)) - {"enforce"}))
def test_every_weak_action_has_a_policy_of_its_own(value):
    (found,) = about("policy.action", value)
    assert found == ENFORCEMENT[f"{value}_only"]
