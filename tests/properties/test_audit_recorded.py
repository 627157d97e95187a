# SPDX-License-Identifier: Apache-2.0
"""Is what a policy records at best never less than what it records of some request?"""

from __future__ import annotations

from hypothesis import given, settings

from kguard.layers.audit.semantics.evaluate import evaluate
from kguard.layers.audit.semantics.policy import LEVELS
from kguard.layers.audit.semantics.recorded import CUSTOM, PATHS, STAGES, recorded
from kguard.layers.audit.semantics.resources import ANY_VERSION
from tests.properties.test_audit_regions import _POLICIES, _REQUESTS


def _name(request):
    if not request.resource_request:
        return PATHS
    if request.api_group not in ANY_VERSION.groups:
        return CUSTOM
    return f"{request.resource}/{request.subresource}".rstrip("/")


@settings(max_examples=150, deadline=None)
@given(_POLICIES)
def test_no_request_is_recorded_better_than_its_kind(policy):
    best = {
        (resource, verb): row.best
        for row in recorded(policy)
        for resource in row.resources
        for verb in row.verbs
    }
    for request in _REQUESTS:
        decision = evaluate(policy, request)
        for stage, found in zip(STAGES, best[_name(request), request.verb], strict=True):
            level = "None" if stage in decision.omit_stages else decision.level
            assert LEVELS.index(level) <= LEVELS.index(found.level), request


@settings(max_examples=150, deadline=None)
@given(_POLICIES)
def test_the_best_is_what_its_rule_says(policy):
    for row in recorded(policy):
        for found in row.best:
            assert found.level == (policy.rules[found.rule].level if found.rule >= 0 else "None")
