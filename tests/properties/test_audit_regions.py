# SPDX-License-Identifier: Apache-2.0
"""Do the regions of an audit policy say what its evaluation says, request by request?"""

from __future__ import annotations

from itertools import product

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.audit.semantics.coverage import cover, unreachable_rules
from kguard.layers.audit.semantics.evaluate import Attributes, evaluate, path_matches
from kguard.layers.audit.semantics.policy import LEVELS, STAGES, GroupResources, Policy, Rule
from kguard.layers.audit.semantics.region import decide
from kguard.layers.audit.semantics.space import Space
from kguard.layers.audit.semantics.universe import occurring, space_of


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


_ENTRIES = st.builds(
    GroupResources,
    group=st.sampled_from(["", "apps", "rbac.authorization.k8s.io", "security.istio.io", "*"]),
    resources=_some("pods", "pods/*", "*/exec", "*", "secrets", "pods/exec", "deployments"),
    resource_names=_some("leader", "web"),
).map(lambda e: e if e.resources else GroupResources(e.group))
_WHO = {
    "users": _some("jane", "system:anonymous", "system:serviceaccount:shop:api", "*"),
    "user_groups": _some("system:authenticated", "system:serviceaccounts:shop", "dev", "*"),
    "verbs": _some("get", "create", "list", "deletecollection", "*", "post"),
}
_RULES = st.one_of(
    st.builds(
        Rule,
        level=st.sampled_from(LEVELS),
        omit_stages=_some(*STAGES),
        namespaces=_some("", "shop", "kube-system"),
        resources=st.lists(_ENTRIES, max_size=2).map(tuple),
        **_WHO,
    ),
    st.builds(
        Rule,
        level=st.sampled_from(LEVELS),
        non_resource_urls=_some("*", "/healthz*", "/health", "/h*", "/"),
        **_WHO,
    ),
)
_POLICIES = st.builds(Policy, rules=st.lists(_RULES, min_size=1, max_size=5).map(tuple))

_PEOPLE = [
    (None, ()),
    ("system:anonymous", ("system:unauthenticated",)),
    ("jane", ("system:authenticated", "dev")),
    ("joe", ("system:authenticated",)),
    (
        "system:serviceaccount:shop:api",
        ("system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"),
    ),
]
_OBJECTS = [
    ("", "pods", "", "shop", "web"),
    ("", "pods", "exec", "shop", "leader"),
    ("", "secrets", "", "kube-system", "web"),
    ("apps", "deployments", "", "team", "leader"),
    ("security.istio.io", "widgets", "", "shop", "web"),
    ("new.example", "secrets", "exec", "team", "x"),
]
_REQUESTS = [
    Attributes(user, groups, verb, True, "", group, resource, sub, namespace, name)
    for (user, groups), verb, (group, resource, sub, namespace, name) in product(
        _PEOPLE, ("get", "patch"), _OBJECTS
    )
] + [
    Attributes(user, groups, "get", resource_request=False, path=path)
    for (user, groups), path in product(_PEOPLE, ("/", "/healthz", "/healthz/x", "/h", "/version"))
]


@settings(max_examples=80, deadline=None)
@given(_POLICIES)
def test_witnesses_evaluate_as_claimed(policy: Policy) -> None:
    coverage = cover(policy)
    for family in coverage.families:
        for hole in family.holes:
            decision = evaluate(policy, hole.witness)
            assert decision.rule == hole.rule
            assert hole.cause == "stages" or decision.level == hole.level
    for limit in coverage.limits:
        for excess in limit.excesses:
            decision = evaluate(policy, excess.witness)
            assert (decision.rule, decision.level) == (excess.rule, excess.level)


def _in_its_class(policy: Policy, space: Space, request: Attributes) -> Attributes:
    """The request with the path that stands for the class of its path."""
    if request.resource_request:
        return request
    specs = [spec for rule in policy.rules for spec in rule.non_resource_urls]

    def signature(path):
        return [path_matches(path, spec) for spec in specs]

    known = [path for path in space.paths.symbols[1:] if path]
    same = [path for path in known if signature(path) == signature(request.path)]
    return msgspec.structs.replace(request, path=same[0])


@settings(max_examples=80, deadline=None)
@given(_POLICIES)
def test_every_request_is_in_the_share_of_its_rule(policy: Policy) -> None:
    space = space_of(policy)
    shares = {share.rule: share.boxes for share in decide(space, policy, occurring(space))}
    for asked in _REQUESTS:
        request = _in_its_class(policy, space, asked)
        rule = evaluate(policy, asked).rule
        homes = [r for r, boxes in shares.items() if any(space.holds(b, request) for b in boxes)]
        assert homes == [rule]


@settings(max_examples=80, deadline=None)
@given(_POLICIES)
def test_unreachable_rules_decide_nothing(policy: Policy) -> None:
    dead = unreachable_rules(policy)
    assert not dead.keys() & {evaluate(policy, request).rule for request in _REQUESTS}
