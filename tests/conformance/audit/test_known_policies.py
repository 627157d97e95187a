# SPDX-License-Identifier: Apache-2.0
"""What do well-known audit policies record, family by family?

The states are proved on the exact regions; the shares count one universe of requests: every
resource that Kubernetes serves and two custom ones, with the verbs that change or reach it, by ten
users in five namespaces.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import yaml

from kguard.layers.audit.facts.distributions import RKE2_POLICY
from kguard.layers.audit.facts.openshift import policy_of_profile
from kguard.layers.audit.facts.platforms import TALOS_POLICY
from kguard.layers.audit.semantics.coverage import cover
from kguard.layers.audit.semantics.evaluate import Attributes, evaluate
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.resources import BUILT_IN, Resource
from kguard.layers.audit.semantics.version import Version
from tests.conformance.audit.tables import table

EVERYBODY = "system:authenticated"
USERS = [
    ("jane", (EVERYBODY,)),
    ("admin", (EVERYBODY, "system:masters")),
    ("system:anonymous", ("system:unauthenticated",)),
    ("system:node:one", (EVERYBODY, "system:nodes")),
    ("system:apiserver", (EVERYBODY, "system:masters")),
    ("system:kube-scheduler", (EVERYBODY,)),
    ("system:kube-controller-manager", (EVERYBODY,)),
    *(
        (
            f"system:serviceaccount:{home}:robot",
            (EVERYBODY, "system:serviceaccounts", f"system:serviceaccounts:{home}"),
        )
        for home in ("shop", "kube-system", "knative-serving")
    ),
]
NAMESPACES = ("shop", "kube-system", "default", "knative-serving", "istio-system")
CUSTOM = (
    Resource("serving.knative.dev", "services", "", namespaced=True),
    Resource("security.istio.io", "peerauthentications", "", namespaced=True),
)
CONNECT = ("exec", "attach", "portforward", "proxy")
EVENTS = "events"


def _universe():
    """Requests by kind: changes, sessions and proxies, reads of secrets."""
    for resource in (*BUILT_IN, *CUSTOM):
        if resource.resource == EVENTS:
            continue
        kind, verbs = "writes", resource.writes
        if resource.subresource in CONNECT:
            kind, verbs = "connect", ("get", "create")
        elif resource.resource == "secrets":
            yield from _requests("secrets", resource, ("get", "list", "watch"))
        yield from _requests(kind, resource, verbs)


def _requests(kind, resource, verbs):
    spaces = NAMESPACES if resource.namespaced else ("",)
    for (user, groups), verb, namespace in product(USERS, verbs, spaces):
        named = verb in ("get", "update", "patch", "delete") or resource.subresource
        yield (
            kind,
            Attributes(
                user=user,
                groups=groups,
                verb=verb,
                api_group=resource.group,
                resource=resource.resource,
                subresource=resource.subresource,
                namespace=namespace,
                name="web" if named else "",
            ),
        )


UNIVERSE = list(_universe())


def _of_rules(*rules, **more):
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more}


WRITES = ["create", "update", "patch", "delete"]
GCE = table("gce")
POLICIES = {
    "GCE": _of_rules(*GCE["policy_rules"], omitStages=GCE["omitStages"]),
    "OpenShift Default": policy_of_profile({}),
    "OpenShift WriteRequestBodies": policy_of_profile({"profile": "WriteRequestBodies"}),
    "RKE2 cis": RKE2_POLICY,
    "Talos": TALOS_POLICY,
    "writes only": _of_rules({"level": "Metadata", "verbs": WRITES}),
    "no ResponseStarted": _of_rules(
        {"level": "Metadata"}, omitStages=["RequestReceived", "ResponseStarted"]
    ),
}
# Recorded shares in percent, whether failed logins are, and what gets into the log.
EXPECTED = {
    "GCE": ((99.98, 100, 100), True, set()),
    "OpenShift Default": ((100, 100, 100), True, set()),
    "OpenShift WriteRequestBodies": ((100, 100, 100), True, {"token_bodies", "configmap_bodies"}),
    "RKE2 cis": ((0, 0, 0), False, set()),
    "Talos": ((100, 100, 100), True, set()),
    "writes only": ((84.43, 50, 0), False, set()),
    "no ResponseStarted": ((100, 100, 100), False, set()),
}
BODIES = {"OpenShift WriteRequestBodies"}
"""Policies that record what was changed in the objects of Knative and Istio."""


def _policy(name):
    loaded = load(POLICIES[name], Version(1, 36))
    assert loaded.state == "valid"
    return loaded.policy


def _shares(policy):
    found = {kind: [0, 0] for kind in ("writes", "connect", "secrets")}
    for kind, request in UNIVERSE:
        found[kind][0] += evaluate(policy, request).level != "None"
        found[kind][1] += 1
    return tuple(round(100 * recorded / total, 2) for recorded, total in found.values())


@pytest.mark.parametrize("name", POLICIES)
def test_known_policy(name):
    policy = _policy(name)
    shares, logins, excesses = EXPECTED[name]
    coverage = cover(policy)
    families = {found.family.id: found for found in coverage.families}
    assert _shares(policy) == shares
    assert (not families["failed_logins"].holes) is logins
    assert {found.limit.id for found in coverage.limits if found.excesses} == excesses
    holes = {name for name in ("knative_objects", "istio_objects") if families[name].holes}
    assert holes == (set() if name in BODIES else {"knative_objects", "istio_objects"})


def test_the_example_of_falco(shared: Path):
    path = shared / "corpus" / "falco-rules" / "configs" / "audit-policy.yaml"
    coverage = cover(load(yaml.safe_load(path.read_text()), Version(1, 36)).policy)
    lost = {f.family.id: f.holes[0].witness for f in coverage.families if f.level == "None"}
    assert list(lost) == ["writes", "failed_logins"]
    assert {witness.name for witness in lost.values()} == {"controller-leader"}
    assert {f.limit.id for f in coverage.limits if f.excesses} == {"configmap_bodies"}
