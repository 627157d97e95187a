# SPDX-License-Identifier: Apache-2.0
"""How much do well-known audit policies record of one fixed set of management operations?

515 operations (what changes a resource of Kubernetes, Knative, Istio, Gateway API or sigstore, what
reaches into pods, nodes and services, what reads secrets or hands out tokens), by ten callers, one
of them with wrong credentials, in five namespaces where the resource has one: 20,510 requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kguard.layers.audit.facts.distributions import RKE2_POLICY
from kguard.layers.audit.facts.openshift import policy_of_profile
from kguard.layers.audit.facts.platforms import TALOS_POLICY
from kguard.layers.audit.semantics.evaluate import Attributes, effective_omit_stages, evaluate
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.policy import LEVELS, Policy
from kguard.layers.audit.semantics.version import Version
from tests.conformance.audit.tables import table

Point = tuple[str, Any, Any]

EVERYBODY = "system:authenticated"
CALLERS = (
    (None, ()),
    ("jane", (EVERYBODY,)),
    ("admin", (EVERYBODY, "system:masters")),
    ("system:anonymous", ("system:unauthenticated",)),
    ("system:node:one", (EVERYBODY, "system:nodes")),
    ("system:apiserver", (EVERYBODY, "system:masters")),
    ("system:kube-controller-manager", (EVERYBODY,)),
    *(
        (
            f"system:serviceaccount:{home}:robot",
            (EVERYBODY, "system:serviceaccounts", f"system:serviceaccounts:{home}"),
        )
        for home in ("shop", "kube-system", "knative-serving")
    ),
)
NAMESPACES = ("shop", "kube-system", "default", "knative-serving", "istio-system")
CHANGES = "create update patch delete deletecollection"
NAMESPACED = {
    "": "pods secrets configmaps services serviceaccounts endpoints limitranges podtemplates"
    " persistentvolumeclaims replicationcontrollers resourcequotas",
    "apps": "deployments daemonsets statefulsets replicasets controllerrevisions",
    "batch": "jobs cronjobs",
    "autoscaling": "horizontalpodautoscalers",
    "policy": "poddisruptionbudgets",
    "networking.k8s.io": "ingresses networkpolicies",
    "rbac.authorization.k8s.io": "roles rolebindings",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "gateway.networking.k8s.io": "gateways httproutes grpcroutes referencegrants"
    " backendtlspolicies",
    "security.istio.io": "peerauthentications authorizationpolicies requestauthentications",
    "networking.istio.io": "virtualservices destinationrules gateways serviceentries sidecars"
    " envoyfilters workloadentries workloadgroups proxyconfigs",
    "telemetry.istio.io": "telemetries",
    "extensions.istio.io": "wasmplugins",
    "serving.knative.dev": "services configurations revisions routes domainmappings",
    "networking.internal.knative.dev": "ingresses certificates serverlessservices",
    "autoscaling.internal.knative.dev": "podautoscalers metrics",
    "caching.internal.knative.dev": "images",
    "eventing.knative.dev": "brokers triggers eventtypes eventpolicies",
    "messaging.knative.dev": "channels inmemorychannels subscriptions",
    "flows.knative.dev": "sequences parallels",
    "sources.knative.dev": "apiserversources pingsources containersources sinkbindings",
    "sinks.knative.dev": "jobsinks",
    "operator.knative.dev": "knativeservings knativeeventings",
}
CLUSTER_WIDE = {
    "": "nodes persistentvolumes namespaces",
    "rbac.authorization.k8s.io": "clusterroles clusterrolebindings",
    "admissionregistration.k8s.io": "validatingwebhookconfigurations"
    " mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "certificates.k8s.io": "certificatesigningrequests",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "networking.k8s.io": "ingressclasses",
    "node.k8s.io": "runtimeclasses",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "storageclasses csidrivers csinodes volumeattachments",
    "gateway.networking.k8s.io": "gatewayclasses",
    "networking.internal.knative.dev": "clusterdomainclaims",
    "policy.sigstore.dev": "clusterimagepolicies",
}
PROXIED = "get create update patch delete"
MORE = (
    ("", "secrets", "get list watch", True),
    *(("", f"pods/{name}", "get create", True) for name in ("exec", "attach", "portforward")),
    ("", "pods/proxy", "get create", True),
    ("", "services/proxy", PROXIED, True),
    ("", "serviceaccounts/token", "create", True),
    ("", "pods/eviction", "create", True),
    ("", "pods/binding", "create", True),
    ("", "pods/ephemeralcontainers", "update patch", True),
    ("apps", "deployments/scale", "update patch", True),
    ("authorization.k8s.io", "localsubjectaccessreviews", "create", True),
    ("", "nodes/proxy", PROXIED, False),
    ("", "namespaces/finalize", "update", False),
    ("certificates.k8s.io", "certificatesigningrequests/approval", "update patch", False),
    ("authentication.k8s.io", "tokenreviews", "create", False),
    ("authorization.k8s.io", "subjectaccessreviews", "create", False),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "create", False),
)
CONNECTING = ("exec", "attach", "portforward", "proxy")
CEILINGS = {
    "secrets": "Metadata",
    "serviceaccounts/token": "Request",
    "tokenreviews": "Metadata",
    "configmaps": "Metadata",
}
"""The highest levels without content; only the answer to a request for a token holds one."""


class Operation(NamedTuple):
    """One verb on one resource."""

    group: str
    name: str
    verb: str
    namespaced: bool

    @property
    def connects(self) -> bool:
        """Whether it opens a session or goes through the API server's proxy."""
        return self.name.partition("/")[2] in CONNECTING

    @property
    def layered(self) -> bool:
        """Whether it sends an object that another protection layer is made of."""
        ours = self.group.endswith((".knative.dev", ".istio.io"))
        return ours and self.verb in ("create", "update", "patch")


def operations() -> Iterator[Operation]:
    """All operations."""
    for table_, namespaced in ((NAMESPACED, True), (CLUSTER_WIDE, False)):
        for group, names in table_.items():
            for name, verb in product(names.split(), CHANGES.split()):
                yield Operation(group, name, verb, namespaced)
    for group, name, verbs, namespaced in MORE:
        yield from (Operation(group, name, verb, namespaced) for verb in verbs.split())


def universe() -> Iterator[tuple[Operation, Attributes]]:
    """All requests."""
    for operation in operations():
        spaces = NAMESPACES if operation.namespaced else ("",)
        resource, _, subresource = operation.name.partition("/")
        nameless = operation.verb in ("create", "list", "watch", "deletecollection")
        for (user, groups), namespace in product(CALLERS, spaces):
            yield (
                operation,
                Attributes(
                    user=user,
                    groups=groups,
                    verb=operation.verb,
                    api_group=operation.group,
                    resource=resource,
                    subresource=subresource,
                    namespace=namespace,
                    name="" if nameless and not subresource else "web",
                ),
            )


UNIVERSE = list(universe())


def _of_rules(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more}


_GCE = table("gce")
POLICIES = {
    "GCE": _of_rules(*_GCE["policy_rules"], omitStages=_GCE["omitStages"]),
    "OpenShift Default": policy_of_profile({}),
    "OpenShift WriteRequestBodies": policy_of_profile({"profile": "WriteRequestBodies"}),
    "RKE2 cis": RKE2_POLICY,
    "Talos": TALOS_POLICY,
    "writes only": _of_rules(
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]}
    ),
    "no ResponseStarted": _of_rules(
        {"level": "Metadata"}, omitStages=["RequestReceived", "ResponseStarted"]
    ),
}


def policy_of(value: Any) -> Policy:
    """A document as an API server of 1.36 loads it."""
    loaded = load(value, Version(1, 36))
    assert loaded.state == "valid"
    assert loaded.policy is not None
    return loaded.policy


class Figures(NamedTuple):
    """Shares in percent, and requests out of how many."""

    recorded: float
    failed_logins: float
    connect: float
    secret_reads: float
    sensitive_bodies: str
    configmap_bodies: str
    layer_bodies: float


# As measured with the API server's own checker, unmodified.
EXPECTED = {
    "GCE": Figures(100.0, 100.0, 100.0, 100.0, "0/460", "0/250", 0.0),
    "OpenShift Default": Figures(100.0, 100.0, 100.0, 100.0, "0/460", "0/250", 0.0),
    "OpenShift WriteRequestBodies": Figures(100.0, 100.0, 100.0, 100.0, "60/460", "250/250", 100.0),
    "RKE2 cis": Figures(0.0, 0.0, 0.0, 0.0, "0/460", "0/250", 0.0),
    "Talos": Figures(100.0, 100.0, 100.0, 100.0, "0/460", "0/250", 0.0),
    "writes only": Figures(79.28, 79.28, 62.86, 0.0, "0/460", "0/250", 0.0),
    "no ResponseStarted": Figures(90.0, 0.0, 100.0, 100.0, "0/460", "0/250", 0.0),
}
FALCO = Figures(100.0, 100.0, 100.0, 100.0, "0/460", "250/250", 0.0)
"""Of the example that comes with Falco's plugin for audit events."""


def figures(policy: Policy) -> Figures:
    """What a policy records of the universe."""
    found = [(operation, asked, *_level(policy, operation, asked)) for operation, asked in UNIVERSE]
    logins = [seen for _, asked, _, seen in found if asked.user is None]
    known = [(op, asked, seen) for op, asked, _, seen in found if asked.user is not None]
    bodies = [(op, LEVELS.index(level) > _most(op)) for op, _, level, _ in found]
    secret = [body for op, body in bodies if op.name in CEILINGS and op.name != "configmaps"]
    return Figures(
        _share([seen for *_, seen in found]),
        _share(logins),
        _share([seen for op, _, seen in known if op.connects]),
        _share([seen for op, _, seen in known if _reads_secrets(op)]),
        _of(secret),
        _of([body for op, body in bodies if op.name == "configmaps"]),
        _share([body for op, body in bodies if op.layered]),
    )


def _most(operation: Operation) -> int:
    """The highest level that shows no content of a request."""
    return LEVELS.index(CEILINGS.get(operation.name, "Metadata"))


def _reads_secrets(operation: Operation) -> bool:
    return operation.name == "secrets" and operation.verb in ("get", "list", "watch")


def _level(policy: Policy, operation: Operation, asked: Attributes) -> tuple[str, bool]:
    """The level of a request, and whether a stage that proves it is kept."""
    decision = evaluate(policy, asked)
    if decision.level == "None":
        return "None", False
    proof = {"ResponseComplete"}
    if operation.connects:
        proof = {"ResponseStarted", "ResponseComplete"}
    if asked.user is None:
        proof = {"ResponseStarted"}
    omitted = effective_omit_stages(policy, policy.rules[decision.rule])
    return decision.level, not proof <= set(omitted)


def _share(seen: list[bool]) -> float:
    return round(100 * sum(seen) / len(seen), 2)


def _of(seen: list[bool]) -> str:
    return f"{sum(seen)}/{len(seen)}"


def points(shared: Path) -> Iterator[Point]:
    """Every figure of every policy; Falco's is read where its repository lies."""
    for name, value in POLICIES.items():
        yield from _compared(name, EXPECTED[name], figures(policy_of(value)))
    path = shared / "corpus" / "falco-rules" / "configs" / "audit-policy.yaml"
    if path.is_file():
        yield from _compared("Falco", FALCO, figures(policy_of(yaml.safe_load(path.read_text()))))


def _compared(name: str, expected: Figures, ours: Figures) -> Iterator[Point]:
    for title, recorded, found in zip(Figures._fields, expected, ours, strict=True):
        yield f"{name}: {title}", recorded, found


SUITES = {"audit known policies": lambda conformance: points(conformance.parent)}
