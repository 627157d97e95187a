# SPDX-License-Identifier: Apache-2.0
"""Do regions miss a hole? Every family is enumerated request by request on 2,000 random policies.

The enumeration shares nothing with the regions: it lists concrete requests of each family and
asks the evaluator. Random policies come from the generator of the oracle's questions.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from kguard.layers.audit.semantics.coverage import FamilyCoverage, cover_family
from kguard.layers.audit.semantics.evaluate import Attributes, effective_omit_stages, evaluate
from kguard.layers.audit.semantics.families import FAMILIES as KNOWN
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.policy import LEVELS, Policy
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import policy as random_policy

Point = tuple[str, Any, Any]

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


def _requests(
    objects: Iterable[str], verbs: Iterable[str], *, namespaced: bool = True
) -> Iterator[Attributes]:
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
FAMILIES: dict[str, list[Attributes]] = {
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


def _recorded(policy: Policy, request: Attributes, proof: tuple[str, ...]) -> str:
    decision = evaluate(policy, request)
    omitted = decision.omit_stages
    if decision.rule >= 0:
        omitted = effective_omit_stages(policy, policy.rules[decision.rule])
    return "None" if set(proof) <= set(omitted) else decision.level


def _policies(chunk: int) -> Iterator[tuple[Policy, random.Random]]:
    chance = random.Random(chunk)
    found = 0
    while found < POLICIES // CHUNKS:
        loaded = load(random_policy(chance), Version(1, 36))
        if loaded.state == "valid" and loaded.policy is not None:
            found += 1
            yield loaded.policy, chance


def points(chunk: int) -> Iterator[Point]:
    """For each policy and family: the holes that enumeration shows, and those that we tell.

    On the left stand the witnesses as they evaluate, and no missed rule; on the right what is
    claimed of the witnesses, and the rules that enumeration finds and the regions do not.
    """
    asked = [family for family in KNOWN if family.id in FAMILIES]
    for number, (policy, chance) in enumerate(_policies(chunk)):
        coverage = {found.family.id: found for found in cover_family(policy, *asked)}
        for family, requests in FAMILIES.items():
            known = coverage[family]
            proof = PROOF.get(family, ("ResponseComplete",))
            claimed = [(hole.rule, hole.level) for hole in known.holes]
            seen = [_seen(policy, hole.witness, proof) for hole in known.holes]
            sample = chance.sample(requests, min(SAMPLE, len(requests)))
            shown = {_seen(policy, request, proof) for request in sample}
            missed = sorted(one for one in shown if _is_missed(known, *one))
            yield f"{chunk}.{number} {family}", (seen, []), (claimed, missed)


def _seen(policy: Policy, request: Attributes, proof: tuple[str, ...]) -> tuple[int, str]:
    return evaluate(policy, request).rule, _recorded(policy, request, proof)


def _is_missed(known: FamilyCoverage, rule: int, level: str) -> bool:
    """Whether a request is recorded worse than the regions say."""
    if LEVELS.index(level) < LEVELS.index(known.level):
        return True
    hole = LEVELS.index(level) < LEVELS.index(known.family.floor)
    return hole and rule not in {found.rule for found in known.holes}


def every(_: Path) -> Iterator[Point]:
    """All policies."""
    for chunk in range(CHUNKS):
        yield from points(chunk)


SUITES = {"audit regions, enumerated": every}
