# SPDX-License-Identifier: Apache-2.0
"""Does the proposed change of an audit policy close every hole and cost nothing else?"""

from __future__ import annotations

import random

import pytest
import yaml
from hypothesis import given, settings

from kguard.layers.audit.remedy.recommended import POLICY
from kguard.layers.audit.semantics.coverage import cover, newly_loud, unreachable_rules
from kguard.layers.audit.semantics.evaluate import Attributes, evaluate
from kguard.layers.audit.semantics.families import CONCERNS, FAMILIES, LIMITS, NOISE
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.mending import mend, mended
from kguard.layers.audit.semantics.policy import LEVELS
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import policy as random_policy
from tests.properties.test_audit_regions import _POLICIES, _REQUESTS

_FAMILIES = frozenset(family.id for family in (*FAMILIES, *CONCERNS))
_LIMITS = frozenset(limit.id for limit in LIMITS)


def _gaps(policy):
    coverage = cover(policy)
    holes = [f.family.id for f in (*coverage.families, *coverage.concerns) if f.holes]
    return holes + [found.limit.id for found in coverage.limits if found.excesses]


def _recorded(policy, request):
    """Level and stages; a level without any stage left records nothing."""
    found = evaluate(policy, request)
    return LEVELS.index(found.level), found.level != "None"


@settings(max_examples=25, deadline=None)
@given(_POLICIES)
def test_one_pass_closes_every_hole(policy):
    assert _gaps(mended(policy, mend(policy, _FAMILIES, _LIMITS))) == []


@settings(max_examples=25, deadline=None)
@given(_POLICIES)
def test_nothing_that_was_recorded_is_lost(policy):
    after = mended(policy, mend(policy, _FAMILIES, frozenset()))
    for request in _REQUESTS:
        assert _recorded(after, request) >= _recorded(policy, request)


@pytest.mark.parametrize("seed", range(4))
def test_the_holes_of_a_random_policy_are_closed(seed):
    """Also where the policy leaves out stages that a raised request needs."""
    chance = random.Random(seed)
    for _ in range(25):
        loaded = load(random_policy(chance), Version(1, 36))
        if loaded.policy is not None and loaded.state == "valid":
            after = mended(loaded.policy, mend(loaded.policy, _FAMILIES, _LIMITS))
            assert _gaps(after) == []


@pytest.mark.parametrize("seed", range(4))
def test_no_noise_gets_into_the_log(seed):
    """Neither on the exact regions nor of single requests of the components."""
    chance = random.Random(seed)
    dropped = 0
    for _ in range(25):
        loaded = load(random_policy(chance), Version(1, 36))
        policy = loaded.policy
        if policy is None or loaded.state != "valid":
            continue
        after = mended(policy, mend(policy, _FAMILIES, _LIMITS))
        assert newly_loud(policy, after) == []
        for request in _HEARTBEATS:
            if evaluate(policy, request).level == "None":
                dropped += 1
                assert evaluate(after, request).level == "None"
    assert dropped > 10


_HEARTBEATS = [
    Attributes(user, groups, verb, True, "", group, resource, "", namespace, name)
    for user, groups, verb, group, resource, namespace, name in (
        (
            "system:node:one",
            ("system:authenticated", "system:nodes"),
            "update",
            "coordination.k8s.io",
            "leases",
            "kube-node-lease",
            "one",
        ),
        (
            "system:kube-scheduler",
            ("system:authenticated",),
            "patch",
            "coordination.k8s.io",
            "leases",
            "kube-system",
            "kube-scheduler",
        ),
        (
            "system:kube-controller-manager",
            ("system:authenticated",),
            "update",
            "",
            "endpoints",
            "kube-system",
            "leader",
        ),
    )
]


@pytest.mark.parametrize("family", sorted(_FAMILIES))
def test_a_single_family_is_closed_without_a_new_hole(family):
    policy = load(yaml.safe_load(_TRAPS), Version(1, 36)).policy
    before = set(_gaps(policy))
    after = set(_gaps(mended(policy, mend(policy, frozenset({family}), frozenset()))))
    assert family in before
    assert family not in after
    assert after <= before


_TRAPS = """
apiVersion: audit.k8s.io/v1
omitStages: [ResponseStarted]
rules:
- level: None
  userGroups: [system:serviceaccounts, system:nodes]
- level: None
  namespaces: [kube-system]
  verbs: [get, list, create]
- level: Metadata
  omitStages: [ResponseComplete]
  resources:
  - group: "*"
    resources: ["*/exec", "secrets"]
"""


def test_the_recommended_policy_has_no_hole_and_no_dead_rule():
    loaded = load(yaml.safe_load(POLICY), Version(1, 33))
    assert loaded.state == "valid"
    assert loaded.ignored == ()
    assert _gaps(loaded.policy) == []
    assert unreachable_rules(loaded.policy) == {}
    own = [found for found in cover(loaded.policy).noise if found.noise.group != _OPENSHIFT]
    assert len(own) == len(NOISE) - 1
    assert {found.level for found in own} == {"None"}


_OPENSHIFT = "apiserver.openshift.io"


def test_an_inserted_rule_takes_requests_of_the_one_behind_it_only():
    text = """
    apiVersion: audit.k8s.io/v1
    rules:
    - {level: None, users: [jane], namespaces: [shop]}
    - {level: RequestResponse}
    """
    policy = load(yaml.safe_load(text), Version(1, 36)).policy
    after = mended(policy, mend(policy, _FAMILIES, frozenset()))
    for request in _REQUESTS:
        level = evaluate(policy, request).level
        assert level == "None" or evaluate(after, request).level == level
