# SPDX-License-Identifier: Apache-2.0
"""Do regions miss a hole? Every family is enumerated request by request on 2,000 random policies.

The enumeration shares nothing with the regions: it lists concrete requests of each family and
asks the evaluator. Random policies come from the generator of the oracle's questions.
"""

from __future__ import annotations

import random
from itertools import product

import pytest

from kguard.layers.audit.semantics.coverage import cover_family
from kguard.layers.audit.semantics.evaluate import Attributes, effective_omit_stages, evaluate
from kguard.layers.audit.semantics.families import FAMILIES as KNOWN
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.policy import LEVELS
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import policy as random_policy

POLICIES = 2_000
CHUNKS = 20
SAMPLE = 40
"""Requests of each family that are asked for each policy."""

AUTHENTICATED = "system:authenticated"
PEOPLE = [
    ("joe", (AUTHENTICATED,)),
    ("jane", (AUTHENTICATED, "dev")),
    ("system:anonymous", ("system:unauthenticated",)),
    ("system:apiserver", (AUTHENTICATED,)),
    ("system:node:worker", (AUTHENTICATED, "system:nodes")),
    (
        "system:serviceaccount:shop:api",
        (AUTHENTICATED, "system:serviceaccounts", "system:serviceaccounts:shop"),
    ),
]
NAMESPACES = ("shop", "kube-system", "team-a")
NAMES = ("web", "leader", "other")
WRITES = ("create", "update", "patch", "delete", "deletecollection")


def _requests(objects, verbs, *, namespaced=True):
    """Requests about objects as `group/resource/subresource`, as the server names them."""
    for text, verb, (user, groups) in product(objects, verbs, PEOPLE):
        group, resource, subresource = text.split("/")
        nameless = verb in ("list", "deletecollection") or (verb == "create" and not subresource)
        for namespace, name in product(NAMESPACES if namespaced else ("",), NAMES):
            yield Attributes(
                user=user,
                groups=groups,
                verb=verb,
                api_group=group,
                resource=resource,
                subresource=subresource,
                namespace=namespace,
                name="" if nameless else name,
            )


RBAC = "rbac.authorization.k8s.io"
FAMILIES = {
    "writes": [
        *_requests(("/pods/", "/secrets/", "apps/deployments/", "new.example/widgets/"), WRITES),
        *_requests((f"{RBAC}/clusterroles/",), WRITES, namespaced=False),
        *_requests(("/pods/status", "apps/deployments/scale"), ("update", "patch")),
        *_requests(("/pods/eviction", "/serviceaccounts/token"), ("create",)),
    ],
    "connections": [*_requests(("/pods/exec", "/pods/portforward"), ("get", "create"))],
    "proxies": [*_requests(("/services/proxy",), ("get", "create", "delete"))],
    "secret_reads": [*_requests(("/secrets/",), ("get", "list", "watch"))],
    "token_requests": [*_requests(("/serviceaccounts/token",), ("create",))],
    "access_control": [*_requests((f"{RBAC}/rolebindings/",), ("create", "update", "patch"))],
    "istio_objects": [
        *_requests(("security.istio.io/peerauthentications/",), ("create", "update", "patch"))
    ],
}
PROOF = {
    "connections": ("ResponseStarted", "ResponseComplete"),
    "proxies": ("ResponseStarted", "ResponseComplete"),
}


def _recorded(policy, request, proof):
    decision = evaluate(policy, request)
    omitted = decision.omit_stages
    if decision.rule >= 0:
        omitted = effective_omit_stages(policy, policy.rules[decision.rule])
    return "None" if set(proof) <= set(omitted) else decision.level


def _policies(chunk):
    chance = random.Random(chunk)
    found = 0
    while found < POLICIES // CHUNKS:
        loaded = load(random_policy(chance), Version(1, 36))
        if loaded.state == "valid":
            found += 1
            yield loaded.policy, chance


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_hole_is_missed_and_every_witness_holds(chunk):
    holes = 0
    for policy, chance in _policies(chunk):
        asked = [family for family in KNOWN if family.id in FAMILIES]
        coverage = {found.family.id: found for found in cover_family(policy, *asked)}
        for family, requests in FAMILIES.items():
            known = coverage[family]
            proof = PROOF.get(family, ("ResponseComplete",))
            for hole in known.holes:
                assert _recorded(policy, hole.witness, proof) == hole.level
                assert evaluate(policy, hole.witness).rule == hole.rule
            told = {hole.rule for hole in known.holes}
            for request in chance.sample(requests, min(SAMPLE, len(requests))):
                level = _recorded(policy, request, proof)
                assert LEVELS.index(level) >= LEVELS.index(known.level)
                if LEVELS.index(level) < LEVELS.index(known.family.floor):
                    holes += 1
                    assert evaluate(policy, request).rule in told
    assert holes > 0
